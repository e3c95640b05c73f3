;;; Drops UDP datagrams whose last four bytes are not the CRC-32 of those
;;; before them.

(defconstant +max-bytes+ 64)
(defconstant +poly+ #xedb88320)

(defmap results :type :percpu-array :key u32 :value u64 :max-entries 2)

(defprog payload-crc (:type :xdp :license "GPL")
  (with-udp (data data-end udp)
    (when (= (udp-dst-port udp) 7000)
      (let ((p (+ udp +udp-hdr-len+))
            (crc u32 #xffffffff))
        (dotimes (i +max-bytes+)
          (when (> (+ p 5) data-end) (break))
          (setf crc (logxor crc (load u8 p)))
          (incf p)
          (dotimes (bit 8)
            (setf crc (if (oddp crc) (logxor (>> crc 1) +poly+) (>> crc 1)))))
        (when (> (+ p 4) data-end) (return XDP_DROP))
        (let ((good (= (load u32 p) (logxor crc #xffffffff))))
          (incf (getmap results good))
          (return (if good XDP_PASS XDP_DROP))))))
  XDP_PASS)
