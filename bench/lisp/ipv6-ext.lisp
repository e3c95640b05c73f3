;;; Walks the extension headers of IPv6 packets: routing headers are dropped,
;;; the final protocols counted.

(defconstant +max-headers+ 8)
(defconstant +exthdr-len+ 8)

(defheader exthdr
  (next :offset 0 :type u8)
  (len :offset 1 :type u8)                      ; units of 8 bytes behind the first
  (frag-off :offset 2 :type u16 :net-order t))

(defmap protocols :type :hash :key u8 :value u64 :max-entries 256)

(defprog ipv6-ext (:type :xdp :license "GPL")
  (with-ipv6 (data data-end ip)
    (let ((pos (+ ip +ipv6-hdr-len+))
          (next (ipv6-nexthdr ip)))
      (dotimes (i +max-headers+)
        (case next
          (IPPROTO_ROUTING (return XDP_DROP))
          ((IPPROTO_HOPOPTS IPPROTO_DSTOPTS)
           (when (> (+ pos +exthdr-len+) data-end) (return XDP_DROP))
           (setf next (exthdr-next pos)
                 pos (+ pos (* 8 (+ (exthdr-len pos) 1)))))
          (IPPROTO_FRAGMENT
           (when (> (+ pos +exthdr-len+) data-end) (return XDP_DROP))
           ;; Only first fragments have what follows.
           (when (logtest (exthdr-frag-off pos) #xfff8)
             (incf (getmap protocols IPPROTO_FRAGMENT))
             (return XDP_PASS))
           (setf next (exthdr-next pos)
                 pos (+ pos +exthdr-len+)))
          (t
           (incf (getmap protocols next))
           (return XDP_PASS))))
      (return XDP_DROP)))
  XDP_PASS)
