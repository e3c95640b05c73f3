(deftest one-flow
  (let ((p (tcp-packet :src "192.0.2.1" :dst "192.0.2.2" :sport 1234 :dport 80 :payload "hello")))
    (is-verdict XDP_PASS (run flow-stats :packet p))
    (run flow-stats :packet p)
    (is-map flows (list (list (make-flow :src (ip "192.0.2.1") :dst (ip "192.0.2.2") :sport 1234 :dport 80 :proto IPPROTO_TCP)
                              (make-traffic :packets 2 :bytes (* 2 (length p))))))))

(deftest both-directions-are-two-flows
  (run flow-stats :packet (udp-packet :src "10.0.0.1" :dst "10.0.0.2" :sport 1 :dport 2))
  (run flow-stats :packet (udp-packet :src "10.0.0.2" :dst "10.0.0.1" :sport 2 :dport 1))
  (is (= 2 (map-count flows))))

(deftest others-do-not-count
  (dolist (p (list (icmp-packet) (arp-packet) (tcp-packet :src "::1" :dst "::2") (tcp-packet :ip-options #(0 0 0 0))))
    (is-verdict XDP_PASS (run flow-stats :packet p)))
  (is (= 0 (map-count flows))))
