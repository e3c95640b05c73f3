(deftest one-program-per-protocol
  (dolist (p (list (tcp-packet) (tcp-packet :flags :rst) (udp-packet) (icmp-packet) (arp-packet)))
    (is-verdict XDP_PASS (run dispatch :packet p)))
  ;; An ARP packet leaves at with-ipv4.
  (is-map seen '((0 1) (1 2) (2 1))))

(deftest an-empty-slot-goes-on
  (setf (getmap handlers +slot-tcp+) on-udp)
  (run dispatch :packet (tcp-packet))
  (is-map seen '((2 1))))
