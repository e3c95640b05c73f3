;;; syn-guard.lisp — Keeps SYN floods away from the stack.
;;;
;;; Counts bare SYNs per source in an LRU map; a completed handshake (the
;;; first ACK without SYN) forgives the source.  Above the limit SYNs are
;;; dropped, above twice the limit everything of that source is.

(in-package #:whistler)

(defmap syn-seen :type :lru-hash
  :key-size 4 :value-size 8 :max-entries 65536)

(defmap syn-log :type :array
  :key-size 4 :value-size 8 :max-entries 4)

(defconstant +syn-limit+ 3)
(defconstant +log-syn+     0)
(defconstant +log-new+     1)
(defconstant +log-dropped+ 2)
(defconstant +log-banned+  3)

(defmacro bare-syn-p (flags)
  `(= (logand ,flags (logior +tcp-syn+ +tcp-ack+ +tcp-rst+))
      +tcp-syn+))

(defmacro with-map-value ((var map key) &body body)
  "BODY with VAR bound to the value's pointer, if there is one."
  `(let ((,var (map-lookup ,map ,key)))
     (when ,var ,@body)))

(defprog syn-guard (:type :xdp :section "xdp" :license "GPL")
  (with-tcp (data data-end tcp)
    (let* ((src   (ipv4-src-addr (+ data +eth-hdr-len+)))
           (flags (tcp-flags tcp)))
      (declare (type u32 src flags))

      ;; Banned sources get nothing through.
      (with-map-value (p syn-seen src)
        (when (> (load u64 p 0) (* 2 +syn-limit+))
          (incf (getmap syn-log +log-banned+))
          (return XDP_DROP)))

      (cond
        ((bare-syn-p flags)
         (incf (getmap syn-log +log-syn+))
         (if-let (p u64 (map-lookup syn-seen src))
           (progn
             (atomic-add p 0 1)
             (when (> (load u64 p 0) +syn-limit+)
               (incf (getmap syn-log +log-dropped+))
               (return XDP_DROP)))
           (progn
             (incf (getmap syn-log +log-new+))
             (setf (getmap syn-seen src) 1))))
        ((logand flags +tcp-ack+)
         (remmap syn-seen src)))))
  XDP_PASS)
