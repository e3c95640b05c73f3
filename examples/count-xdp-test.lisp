(deftest counts-every-packet
  "Each packet adds one, and passes."
  (is-verdict XDP_PASS (run count-packets :packet (tcp-packet)))
  (is (= 1 (getmap pkt-count 0)))
  (run count-packets :packet (arp-packet) :repeat 5)
  (is (= 6 (getmap pkt-count 0))))
