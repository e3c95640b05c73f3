(deftest a-syn-is-an-event
  (is-verdict XDP_PASS (run log-connections :packet (tcp-packet :src "192.0.2.1" :dst "192.0.2.2" :sport 40000 :dport 22)))
  (let ((e (first (events events))))
    (is (> (conn-time e) 0))
    (is (equal e (make-conn :time (conn-time e) :src #(192 0 2 1) :dst #(192 0 2 2) :sport 40000 :dport 22)))))

(deftest others-are-none
  (dolist (flags '((:syn :ack) (:ack) (:fin :ack) (:rst)))
    (run log-connections :packet (tcp-packet :flags flags)))
  (run log-connections :packet (udp-packet))
  (is (null (events events))))

(deftest a-full-ring-counts-as-lost
  (with-failing ((ringbuf-reserve 0 2))
    (dotimes (i 3)
      (is-verdict XDP_PASS (run log-connections :packet (tcp-packet)))))
  (is (= 2 (getmap lost 0)))
  (is (= 1 (length (events events)))))
