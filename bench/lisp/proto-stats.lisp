;;; Packets and bytes per IP protocol, behind up to two VLAN tags.

(defstruct traffic
  (packets u64)
  (bytes u64))

(defmap stats :type :percpu-array :key u32 :value traffic :max-entries 256)

(defprog proto-stats (:type :xdp :license "GPL")
  (with-packet (data data-end)
    (let* ((ip (parse-ipv4 data data-end :vlan t))
           (proto (if ip
                      (ipv4-protocol ip)
                      (let ((ip6 (parse-ipv6 data data-end :vlan t)))
                        (unless ip6 (return XDP_PASS))
                        (ipv6-nexthdr ip6)))))
      (when-let ((v (getmap stats proto)))
        (incf (traffic-packets v))
        (incf (traffic-bytes v) (- data-end data)))))
  XDP_PASS)
