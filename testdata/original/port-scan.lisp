;;; port-scan.lisp — Notices sources that try many ports.
;;;
;;; Each source has a bitmap of 256 bits in a map value; a SYN sets the bit of
;;; its port's hash.  When enough bits are set, the source is put on a list
;;; and dropped from then on.  Local functions instead of macros where the
;;; arguments should be evaluated once.

(in-package #:whistler)

(defconstant +words+ 4)
(defconstant +scan-limit+ 5)

(defstruct bitmap
  (words (array u64 4)))

(defmap bitmaps :type :lru-hash
  :key-size 4 :value-size 32 :max-entries 8192)

(defmap scanners :type :hash
  :key-size 4 :value-size 4 :max-entries 8192)

(defmap scan-stats :type :array
  :key-size 4 :value-size 8 :max-entries 2)

(defmacro popcount (x)
  "Bits in X, folded at the size of a word."
  (let ((v (gensym "V")))
    `(let ((,v ,x))
       ,@(loop for (shift mask) in '((1 #x5555555555555555)
                                     (2 #x3333333333333333)
                                     (4 #x0f0f0f0f0f0f0f0f))
               collect `(setf ,v (+ (logand ,v ,mask)
                                    (logand (>> ,v ,shift) ,mask))))
       (>> (* ,v #x0101010101010101) 56))))

(defprog port-scan (:type :xdp :section "xdp" :license "GPL")
  (with-tcp (data data-end tcp)
    (let ((src (ipv4-src-addr (+ data +eth-hdr-len+))))
      (when (map-lookup scanners src)
        (incf (getmap scan-stats 1))
        (return XDP_DROP))
      (unless (= (logand (tcp-flags tcp) (logior +tcp-syn+ +tcp-ack+)) +tcp-syn+)
        (return XDP_PASS))
      (labels ((hash (port) (logand (logxor port (>> port 8)) #xff))
               (word-of (port) (>> (hash port) 6))
               (bit-of (port) (<< 1 (logand (hash port) 63))))
        (let* ((port (tcp-dst-port tcp))
               (w (word-of port))
               (map-bits (map-lookup bitmaps src)))
          (unless map-bits
            (let ((fresh (make-bitmap)))
              (setf (bitmap-words fresh w) (bit-of port))
              (map-update bitmaps src fresh BPF_NOEXIST)
              (incf (getmap scan-stats 0))
              (return XDP_PASS)))
          (setf (bitmap-words map-bits w)
                (logior (bitmap-words map-bits w) (bit-of port)))
          (let ((total 0))
            (dotimes (i +words+)
              (incf total (popcount (bitmap-words map-bits i))))
            (when (>= total +scan-limit+)
              (setf (getmap scanners src) total)
              (remmap bitmaps src)
              (return XDP_DROP)))))))
  XDP_PASS)
