;;; Packets and bytes per IP protocol, behind up to two VLAN tags.

(defconstant +max-tags+ 2)

(defstruct traffic
  (packets u64)
  (bytes u64))

(defmap stats :type :percpu-array :key u32 :value traffic :max-entries 256)

(defprog proto-stats (:type :xdp :license "GPL")
  (with-eth (data data-end)
    (let ((type (eth-type data))
          (l3 (+ data +eth-hdr-len+)))
      (dotimes (i +max-tags+)
        (unless (or (= type +ethertype-vlan+) (= type +ethertype-qinq+)) (break))
        (when (> (+ l3 +vlan-hdr-len+) data-end) (return XDP_PASS))
        (setf type (vlan-type l3))
        (incf l3 +vlan-hdr-len+))
      (let ((proto (case type
                     (+ethertype-ipv4+
                      (when (> (+ l3 +ipv4-hdr-len+) data-end) (return XDP_PASS))
                      (ipv4-protocol l3))
                     (+ethertype-ipv6+
                      (when (> (+ l3 +ipv6-hdr-len+) data-end) (return XDP_PASS))
                      (ipv6-nexthdr l3))
                     (t (return XDP_PASS)))))
        (when-let ((v (getmap stats proto)))
          (incf (traffic-packets v))
          (incf (traffic-bytes v) (- data-end data))))))
  XDP_PASS)
