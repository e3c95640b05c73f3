;;; Drops DNS queries for blocked names: the name is hashed (FNV-1a, letters in
;;; lower case) and looked up.

(defconstant +max-name+ 64)
(defconstant +fnv-offset+ #xcbf29ce484222325)
(defconstant +fnv-prime+ #x100000001b3)
(defconstant +dns-hdr-len+ 12)

(defheader dns
  (id :offset 0 :type u16 :net-order t)
  (flags :offset 2 :type u16 :net-order t)
  (qdcount :offset 4 :type u16 :net-order t))

(defstruct rule
  (hits u64)
  (qtype u16)               ; 0 is any
  (pad (array u16 3)))

(defmap blocked :type :hash :key u64 :value rule :max-entries 4096)

(defprog dns-block (:type :xdp :license "GPL")
  (with-udp (data data-end udp)
    (let* ((dns (+ udp +udp-hdr-len+))
           (p (+ dns +dns-hdr-len+))
           (hash +fnv-offset+)
           (ended 0))
      (when (or (> p data-end)
                (/= (udp-dst-port udp) 53)
                (logtest (dns-flags dns) #x8000)
                (/= (dns-qdcount dns) 1))
        (return XDP_PASS))
      (dotimes (i +max-name+)
        (when (> (+ p 1) data-end) (return XDP_DROP))
        (let ((c (load u8 p)))
          (incf p)
          (when (= c 0)
            (setf ended 1)
            (break))
          (when (<= #\A c #\Z)
            (incf c 32))
          (setf hash (* (logxor hash c) +fnv-prime+))))
      (when (or (not ended) (> (+ p 4) data-end))
        (return XDP_DROP))
      (when-let ((rule (getmap blocked hash)))
        (let ((qtype (rule-qtype rule)))
          (when (or (= qtype 0) (= qtype (ntohs (load u16 p))))
            (atomic-add rule (offsetof rule hits) 1)
            (return XDP_DROP))))))
  XDP_PASS)
