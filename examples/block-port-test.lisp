(deftest drops-the-blocked-port
  (is-verdict XDP_DROP (run block-port :packet (tcp-packet :dport +blocked-port+)))
  (is-verdict XDP_DROP (run block-port :packet (tcp-packet :dport +blocked-port+ :flags '(:ack) :payload "more")))
  (is (= 2 (getmap drop-count 0))))

(deftest passes-all-else
  (dolist (p (list (tcp-packet :dport 9998)
                   (tcp-packet :sport +blocked-port+ :dport 80)
                   (udp-packet :dport +blocked-port+)
                   (tcp-packet :dport +blocked-port+ :src "fd00::1" :dst "fd00::2")
                   (arp-packet)))
    (is-verdict XDP_PASS (run block-port :packet p)))
  (is (= 0 (getmap drop-count 0))))

(deftest options-of-ipv4-pass
  "with-tcp matches plain headers only."
  (is-verdict XDP_PASS (run block-port :packet (tcp-packet :dport +blocked-port+ :ip-options #(1 1 1 1)))))

(deftest short-packets-pass
  (let ((p (tcp-packet :dport +blocked-port+)))
    (loop for n from 14 below 54
          do (is-verdict XDP_PASS (run block-port :packet (subseq p 0 n))))))
