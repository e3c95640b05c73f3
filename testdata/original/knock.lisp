;;; knock.lisp — Port knocking in the driver.
;;;
;;; SSH stays closed for a source until it has sent SYNs to three ports in the
;;; right order.  The progress of each source is in an LRU map, so that
;;; strangers cannot fill it.  A wrong knock starts over.

(in-package #:whistler-user)

(eval-when (:compile-toplevel :load-toplevel :execute)
  (defparameter *sequence* '(7001 8002 9003))

  (defun knock-position (n)
    "The port that brings a source from stage N to the next."
    (nth n *sequence*))

  (defun knock-count ()
    (length *sequence*)))

(defconstant +ssh-port+ 22)
(defconstant +open-stage+ 3)

;; source address -> stage reached
(whistler:defmap stages :type :lru-hash
  :key-size 4 :value-size 4 :max-entries 1024)

;; 0: refused connections, 1: accepted ones, 2: finished sequences
(whistler:defmap knock-stats :type :array
  :key-size 4 :value-size 8 :max-entries 3)

(defmacro advance-stage (stage port)
  "A cond that maps the stage and the port to the next stage."
  `(cond
     ,@(loop for i from 0 below (knock-count)
             collect `((and (= ,stage ,i) (= ,port ,(knock-position i)))
                       ,(1+ i)))
     (t 0)))

(defmacro knock-port-p (port)
  `(or ,@(mapcar (lambda (p) `(= ,port ,p)) *sequence*)))

(whistler:defprog knock (:type :xdp :section "xdp" :license "GPL")
  (with-tcp (data data-end tcp)
    (let ((port (tcp-dst-port tcp))
          (src  (ipv4-src-addr (+ data +eth-hdr-len+)))
          (flags (tcp-flags tcp)))
      (declare (type u16 port)
               (type u32 src))
      (unless (and (logand flags +tcp-syn+)
                   (not (logand flags +tcp-ack+)))
        (return XDP_PASS))

      ;; The door itself
      (when (= port +ssh-port+)
        (let ((p (map-lookup stages src)))
          (declare (type u64 p))
          (when (= p 0)
            (whistler:incf (whistler:getmap knock-stats 0))
            (return XDP_DROP))
          (when (< (load u32 p 0) +open-stage+)
            (incf (getmap knock-stats 0))
            (return XDP_DROP))
          (incf-map knock-stats 1)
          (return XDP_PASS)))

      ;; A knock, which nobody answers
      (when (knock-port-p port)
        (let* ((before (getmap stages src))
               (stage  (advance-stage before port)))
          (if (= stage 0)
              (delmap stages src)
              (setmap stages src stage))
          (when (= stage +open-stage+)
            (incf-map knock-stats 2 1)))
        (return XDP_DROP))))
  XDP_PASS)
