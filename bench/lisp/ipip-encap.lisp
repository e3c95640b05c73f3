;;; Sends packets for virtual addresses to their servers in an IP-in-IP
;;; tunnel.

(defstruct tunnel
  (saddr u32)
  (daddr u32)
  (dmac (array u8 6))
  (pad u16)
  (packets u64))

(defmap vips :type :hash :key u32 :value tunnel :max-entries 256)

(defprog ipip-encap (:type :xdp :license "GPL")
  (with-ipv4 (data data-end ip)
    (when-let ((v (getmap vips (ipv4-dst-addr ip))))
      (let ((inner-len (ipv4-total-len ip))
            (tos (ipv4-tos ip))
            (mac (array u8 6)))
        (memcpy mac 0 data 0 6)
        (when (/= (xdp-adjust-head (ctx-ptr) (- +ipv4-hdr-len+)) 0)
          (return XDP_DROP))
        (let* ((data (ctx data))
               (data-end (ctx data-end))
               (ip (+ data +eth-hdr-len+)))
          (when (> (+ ip +ipv4-hdr-len+) data-end)
            (return XDP_DROP))
          (memcpy data 0 v (offsetof tunnel dmac) 6)
          (memcpy data 6 mac 0 6)
          (setf (eth-type data) ETH_P_IP)

          (setf (ipv4-ver-ihl ip) #x45
                (ipv4-tos ip) tos
                (ipv4-total-len ip) (+ inner-len +ipv4-hdr-len+)
                (ipv4-id ip) 0
                (ipv4-frag-off ip) 0
                (ipv4-ttl ip) 64
                (ipv4-protocol ip) IPPROTO_IPIP
                (ipv4-checksum ip) 0
                (ipv4-src-addr ip) (tunnel-saddr v)
                (ipv4-dst-addr ip) (tunnel-daddr v))
          (let ((sum 0))
            (dotimes (i (/ +ipv4-hdr-len+ 2))
              (incf sum (load u16 ip (* 2 i))))
            (setf (ipv4-checksum ip) (csum-fold sum)))

          (atomic-add v (offsetof tunnel packets) 1)
          (return XDP_TX)))))
  XDP_PASS)
