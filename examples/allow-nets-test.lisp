(defun allow (address bits)
  (setf (getmap nets (make-prefix :bits bits :addr (ip address))) 1))

(deftest nothing-is-allowed-at-first
  (is-verdict XDP_DROP (run allow-nets :packet (tcp-packet)))
  (is (= 1 (getmap verdicts 0))))

(deftest networks-that-are-listed-pass
  (allow "10.0.0.0" 8)
  (allow "192.0.2.128" 25)
  (is-verdict XDP_PASS (run allow-nets :packet (tcp-packet :src "10.200.3.4")))
  (is-verdict XDP_PASS (run allow-nets :packet (udp-packet :src "192.0.2.200")))
  (is-verdict XDP_DROP (run allow-nets :packet (udp-packet :src "192.0.2.100")))
  (is-verdict XDP_DROP (run allow-nets :packet (udp-packet :src "11.0.0.1")))
  (is-map verdicts '((0 2) (1 2))))

(deftest other-protocols-pass
  (is-verdict XDP_PASS (run allow-nets :packet (arp-packet))))
