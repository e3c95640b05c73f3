;;; payload-print.lisp — Fingerprints of UDP payloads.
;;;
;;; Hashes the first bytes of each payload, counts by fingerprint, and keeps a
;;; sample of the payload per fingerprint.  Loops with constant bounds, with
;;; pointer arithmetic and checks for each byte, and memcpy of a whole block.
;;;
;;; exception: section 15, "typed places truncate": the 16-bit sum wraps where
;;; it is stored; the original kept what did not fit.

(in-package #:whistler)

(defconstant +hash-bytes+ 16)
(defconstant +fnv-offset+ 2166136261)
(defconstant +fnv-prime+ 16777619)

(defstruct sample
  (hash  u32)
  (len   u16)
  (sum   u16)
  (first (array u8 8)))     ; 16 bytes

(defmap prints :type :percpu-hash
  :key-size 4 :value-size 8 :max-entries 4096)

(defmap samples :type :lru-hash
  :key-size 4 :value-size 16 :max-entries 256)

(defmap classes :type :array
  :key-size 4 :value-size 4 :max-entries 4)

(defmacro fnv-step (hash byte)
  `(setf ,hash (* (logxor ,hash ,byte) +fnv-prime+)))

(defprog payload-print (:type :xdp :section "xdp" :license "GPL")
  (with-udp (data data-end udp)
    (let ((payload (+ udp +udp-hdr-len+))
          (hash u32 +fnv-offset+)
          (sum u16 0)
          (n 0))
      (declare (type u64 payload))
      (dotimes (i +hash-bytes+)
        (let ((p (+ payload i)))
          (when (<= (+ p 1) data-end)
            (let ((byte (load u8 p 0)))
              (fnv-step hash byte)
              (setf sum (+ sum (* byte 257)))
              (incf n)))))
      (when (= n 0)
        (return XDP_PASS))
      (incf (getmap prints hash))

      ;; What begins alike is one class
      (case (load u8 (+ udp 8) 0)
        ((71 80) (incf (getmap classes 0)))          ; G, P: as in HTTP
        (22 (incf (getmap classes 1)))               ; a TLS record
        (otherwise (incf (getmap classes 2))))

      ;; A sample only of what has the eight bytes
      (unless (> (+ payload 8) data-end)
        (let ((s (make-sample)))
          (setf (sample-hash s) hash
                (sample-len s)  (udp-length udp)
                (sample-sum s)  sum)
          (memcpy s 8 payload 0 8)
          (when (= (sample-first s 0) 0)
            (memset s 8 #xff 8)
            (setf (sample-first s 7) n))
          (map-update-ptr samples (stack-addr hash) s BPF_ANY)))))
  XDP_PASS)
