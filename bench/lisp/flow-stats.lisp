;;; Packets and bytes of every TCP and UDP flow, keyed by its 5-tuple.

(defstruct flow
  (src u32) (dst u32)         ; as in the packet: network order
  (sport u16) (dport u16)     ; host order
  (proto u8) (pad (array u8 3)))

(defstruct traffic
  (packets u64)
  (bytes u64))

(defmap flows :type :lru-hash :key flow :value traffic :max-entries 8192)

(defprog flow-stats (:type :xdp :license "GPL")
  (with-ipv4 (data data-end ip)
    (let ((proto (ipv4-protocol ip))
          (l4 (+ ip +ipv4-hdr-len+))
          (size (- data-end data)))
      ;; The ports stand at the same place in TCP and UDP.
      (unless (and (= (ipv4-ver-ihl ip) #x45)
                   (or (= proto IPPROTO_TCP) (= proto IPPROTO_UDP))
                   (<= (+ l4 +udp-hdr-len+) data-end))
        (return XDP_PASS))
      (let ((key (make-flow :src (ipv4-src-addr ip) :dst (ipv4-dst-addr ip)
                            :sport (udp-src-port l4) :dport (udp-dst-port l4)
                            :proto proto)))
        (if-let ((v (getmap flows key)))
            (progn (atomic-add v (offsetof traffic packets) 1)
                   (atomic-add v (offsetof traffic bytes) size))
          (setf (getmap flows key) (make-traffic :packets 1 :bytes size))))))
  XDP_PASS)
