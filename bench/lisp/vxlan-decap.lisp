;;; Takes the outer headers off VXLAN packets of known networks.

(defconstant +vxlan-port+ 4789)
(defconstant +vxlan-has-vni+ #x08000000)
(defconstant +vxlan-hdr-len+ 8)

(defheader vxlan
  (flags :offset 0 :type u32 :net-order t)
  (vni :offset 4 :type u32 :net-order t))   ; in the upper 24 bits

(defstruct tunnel
  (remote u32)    ; 0 is any
  (pad u32)
  (packets u64)
  (bytes u64))

(defmap tunnels :type :hash :key u32 :value tunnel :max-entries 1024)

(defprog vxlan-decap (:type :xdp :license "GPL")
  (with-udp (data data-end udp)
    (let* ((ip (+ data +eth-hdr-len+))
           (vxlan (+ udp +udp-hdr-len+))
           (inner (+ vxlan +vxlan-hdr-len+)))
      (when (or (> (+ inner +eth-hdr-len+) data-end)
                (/= (udp-dst-port udp) +vxlan-port+))
        (return XDP_PASS))
      (unless (logtest (vxlan-flags vxlan) +vxlan-has-vni+)
        (return XDP_DROP))
      (when-let ((v (getmap tunnels (>> (vxlan-vni vxlan) 8))))
        (when (and (tunnel-remote v) (/= (tunnel-remote v) (ipv4-src-addr ip)))
          (return XDP_DROP))
        (let ((size (- data-end inner)))
          (when (/= (xdp-adjust-head (ctx-ptr) (- inner data)) 0)
            (return XDP_ABORTED))
          (atomic-add v (offsetof tunnel packets) 1)
          (atomic-add v (offsetof tunnel bytes) size)))))
  XDP_PASS)
