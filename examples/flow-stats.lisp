;;; Packets and bytes of every TCP and UDP flow, keyed by its 5-tuple.
;;;
;;;   whistler run examples/flow-stats.lisp --iface eth0
;;;
;;; `bpftool map dump name flows` prints keys and values by field name.

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
          (key (make-flow))
          (size (- data-end data)))
      ;; The ports stand at the same place in TCP and UDP.
      (unless (and (= (ipv4-ver-ihl ip) #x45)
                   (or (= proto IPPROTO_TCP) (= proto IPPROTO_UDP))
                   (<= (+ l4 4) data-end))
        (return XDP_PASS))
      (setf (flow-src key) (ipv4-src-addr ip)
            (flow-dst key) (ipv4-dst-addr ip)
            (flow-sport key) (udp-src-port l4)
            (flow-dport key) (udp-dst-port l4)
            (flow-proto key) proto)
      (if-let ((v (getmap flows key)))
          (progn (atomic-add v (offsetof traffic packets) 1)
                 (atomic-add v (offsetof traffic bytes) size))
        (let ((new (make-traffic)))
          (setf (traffic-packets new) 1
                (traffic-bytes new) size)
          (setf (getmap flows key) new)))))
  XDP_PASS)
