(defun verdict-of (&rest packet)
  (run firewall :packet (apply (function tcp-packet) packet)))

(deftest bad-sources
  (is-verdict XDP_DROP (verdict-of :src "127.0.0.1" :dst "192.0.2.105" :dport 20900))
  (is-verdict XDP_DROP (verdict-of :src "80.77.202.167" :dst "192.0.2.105" :dport 20900))
  (is-map rule-hits '((2 1) (7 1))))

(deftest services
  (is-verdict XDP_PASS (verdict-of :src "9.9.9.9" :dst "192.0.2.105" :dport 20900))
  (is-verdict XDP_DROP (verdict-of :src "9.9.9.9" :dst "192.0.2.105" :dport 20901))
  (is-verdict XDP_PASS (verdict-of :src "203.0.113.12" :dst "192.0.2.200" :dport 9093 :sport 1024))
  (is-verdict XDP_DROP (verdict-of :src "203.0.113.12" :dst "192.0.2.200" :dport 9093 :sport 1023))
  (is-verdict XDP_DROP (verdict-of :src "203.0.113.13" :dst "192.0.2.200" :dport 9093 :sport 1024)))

(deftest by-protocol
  (is-verdict XDP_PASS (run firewall :packet (icmp-packet :src "9.9.9.9" :dst "192.0.2.1")))
  (is-verdict XDP_DROP (run firewall :packet (icmp-packet :src "9.9.9.9" :dst "192.0.3.1")))
  (is-verdict XDP_PASS (run firewall :packet (ip-packet :protocol 47 :src "203.0.113.15" :dst "192.0.2.254")))
  (is-verdict XDP_DROP (run firewall :packet (ip-packet :protocol 47 :src "203.0.113.16" :dst "192.0.2.254"))))
