(deftest counts-bytes-by-protocol
  "The packets of a cgroup program start at the IP header."
  (let ((tcp (tcp-packet :ethernet nil :payload "hello"))
        (udp (udp-packet :ethernet nil)))
    (is (= 1 (run count-egress :packet tcp)))
    (is (= 1 (run count-egress :packet udp :repeat 2)))
    (is-map sent-bytes (list (list IPPROTO_TCP (length tcp))
                             (list IPPROTO_UDP (* 2 (length udp)))))))
