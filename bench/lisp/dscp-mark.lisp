;;; Sets the DSCP of packets from a table by destination port, and the mark
;;; with it.

(defconstant +ip-tos-off+ (+ +eth-hdr-len+ 1))
(defconstant +ip-check-off+ (+ +eth-hdr-len+ 10))
(defconstant +ecn-mask+ 3)

(defstruct marking
  (dscp u8)
  (pad (array u8 3))
  (mark u32))

(defmap markings :type :hash :key u16 :value marking :max-entries 256)
(defmap marked :type :array :key u32 :value u64 :max-entries 64)

(defprog dscp-mark (:type :tc :license "GPL")
  (with-ipv4 (data data-end ip)
    (let ((l4 (+ ip +ipv4-hdr-len+)))
      (when (and (<= (+ l4 +udp-hdr-len+) data-end)
                 (= (ipv4-ver-ihl ip) #x45))
        (case (ipv4-protocol ip)
          ((IPPROTO_TCP IPPROTO_UDP)
           (when-let ((m (getmap markings (udp-dst-port l4))))
             (setf (ctx mark) (marking-mark m))
             (let* ((dscp (logand (marking-dscp m) #x3f))
                    (old (ipv4-tos ip))
                    (new u8 (logior (<< dscp 2) (logand old +ecn-mask+))))
               (when (/= new old)
                 (l3-csum-replace (ctx-ptr) +ip-check-off+ (htons old) (htons new) 2)
                 (skb-store-bytes (ctx-ptr) +ip-tos-off+ (stack-addr new) 1 0))
               (incf (getmap marked dscp)))))))))
  TC_ACT_OK)
