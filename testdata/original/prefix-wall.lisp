;;; prefix-wall.lisp — Drops sources in a list of prefixes.
;;;
;;; A fixed list is compiled into the program as masks and values, computed
;;; from text when compiling.  A trie that user space fills comes after it.
;;; The trie's key is built in place: prefix length, then the address.

(in-package #:whistler-user)

(eval-when (:compile-toplevel :load-toplevel :execute)
  (defun split-at (char string)
    "The parts of STRING between CHARs."
    (let ((parts nil) (start 0))
      (loop
        (let ((end (position char string :start start)))
          (push (subseq string start end) parts)
          (if end
              (setf start (1+ end))
              (return (nreverse parts)))))))

  (defun dotted-quad (string)
    "The address as a program loads it from a packet on a little-endian machine."
    (let ((value 0) (shift 0))
      (dolist (part (split-at #\. string) value)
        (setf value (logior value (ash (parse-integer part) shift)))
        (cl:incf shift 8))))

  (defun prefix-mask (length)
    (let ((mask 0))
      (dotimes (i 4 mask)
        (let ((bits (max 0 (min 8 (- length (* 8 i))))))
          (setf mask (logior mask (ash (logand #xff (ash #xff (- 8 bits))) (* 8 i))))))))

  (defparameter *bogons*
    '("0.0.0.0/8" "127.0.0.0/8" "169.254.0.0/16" "192.0.2.0/24" "198.18.0.0/15" "224.0.0.0/3")))

(defmacro bogon-p (addr)
  (let ((a (gensym "A")))
    `(let ((,a ,addr))
       (or ,@(loop for text in *bogons*
                   for (net len) = (split-at #\/ text)
                   collect `(= (logand ,a ,(prefix-mask (parse-integer len)))
                               ,(dotted-quad net)))))))

(whistler:defmap wall-trie :type :lpm-trie
  :key-size 8 :value-size 1 :max-entries 1024
  :map-flags 1)                             ; BPF_F_NO_PREALLOC

(whistler:defmap wall-stats :type :percpu-array
  :key-size 4 :value-size 8 :max-entries 3)

(defconstant +wall-passed+ 0)
(defconstant +wall-bogon+  1)
(defconstant +wall-listed+ 2)

(whistler:defprog prefix-wall (:type :xdp :section "xdp" :license "GPL")
  (with-ipv4 (data data-end ip)
    (let ((src (ipv4-src-addr ip))
          (key 0))
      (declare (type u32 src))
      (when (bogon-p src)
        (whistler:incf (whistler:getmap wall-stats +wall-bogon+))
        (return XDP_DROP))
      (store u32 (stack-addr key) 0 32)
      (store u32 (stack-addr key) 4 src)
      (when-let ((verdict (map-lookup wall-trie key)))
        (when (= (load u8 verdict 0) 1)
          (incf (getmap wall-stats +wall-listed+))
          (return XDP_DROP)))
      (incf (getmap wall-stats +wall-passed+))))
  XDP_PASS)
