;;; payload-scan.lisp — Looks for signatures in the first bytes of a payload.
;;;
;;; A window of the TCP payload is read with a pointer that moves on; HTTP
;;; methods are told apart by their first word; a run of no-operations (0x90)
;;; drops the packet.  What a signature looks like is computed when compiling.

(in-package #:whistler)

(defconstant +window+    24)
(defconstant +sled-len+   8)

(eval-when (:compile-toplevel :load-toplevel :execute)
  (defun word32 (text)
    "Four characters as a program loads them from memory."
    (reduce (lambda (acc c) (logior (ash acc 8) (char-code c)))
            (reverse (subseq text 0 4))
            :initial-value 0)))

(defmacro word32-of (text) (word32 text))

(defmap methods :type :hash
  :key-size 4 :value-size 8 :max-entries 16)

(defmap scan-stats :type :array
  :key-size 4 :value-size 8 :max-entries 4)

(defconstant +scan-short+ 0)
(defconstant +scan-http+  1)
(defconstant +scan-sled+  2)
(defconstant +scan-sum+   3)

(defprog payload-scan (:type :xdp :section "xdp" :license "GPL")
  (with-tcp (data data-end tcp)
    (let* ((hlen    (* 4 (>> (tcp-data-off tcp) 4)))
           (payload (+ tcp (logand hlen 60)))
           (run 0)
           (sum 0))
      (declare (type u64 payload)
               (type u32 run sum))
      (when (< hlen 20)
        (return XDP_DROP))
      (when (> (+ payload 4) data-end)
        (incf (getmap scan-stats +scan-short+))
        (return XDP_PASS))

      (let ((word (load u32 payload 0)))
        (when (or (= word (word32-of "GET "))
                  (= word (word32-of "POST"))
                  (= word (word32-of "HEAD")))
          (incf (getmap methods word))
          (incf-map scan-stats +scan-http+)))

      ;; The window, byte by byte, as far as there are bytes
      (dotimes (i +window+)
        (let ((p (+ payload i)))
          (declare (type u64 p))
          (when (<= (+ p 1) data-end)
            (let ((byte (load u8 p 0)))
              (incf sum byte)
              (if (= byte #x90)
                  (incf run)
                  (setf run 0))
              (when (>= run +sled-len+)
                (incf (getmap scan-stats +scan-sled+))
                (return XDP_DROP))))))

      ;; What the method's four bytes add does not count
      (let ((first4 0))
        (loop for i from 0 below 4
              do (incf first4 (load u8 payload i)))
        (incf (getmap scan-stats +scan-sum+) (- sum first4)))))
  XDP_PASS)
