(deftest a-thousand-pass
  (is-verdict XDP_PASS (run rate-limit :packet (udp-packet) :repeat 1000))
  (is-verdict XDP_DROP (run rate-limit :packet (udp-packet)))
  (is-verdict XDP_PASS (run rate-limit :packet (udp-packet :src "10.9.9.9")))
  (is (= 1 (window-dropped (getmap windows (ip "10.0.0.1"))))))

(deftest the-next-second-begins-anew
  (with-time 1000000000
    (run rate-limit :packet (udp-packet) :repeat 1001))
  (with-time (+ 1000000000 +window-ns+)
    (is-verdict XDP_DROP (run rate-limit :packet (udp-packet))))
  (with-time (+ 1000000000 +window-ns+ 1)
    (is-verdict XDP_PASS (run rate-limit :packet (udp-packet)))
    (is (= 1 (window-packets (getmap windows (ip "10.0.0.1")))))))

(deftest others-pass
  (is-verdict XDP_PASS (run rate-limit :packet (arp-packet)))
  (is (= 0 (map-count windows))))
