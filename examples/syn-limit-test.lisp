(deftest a-hundred-connections
  (is-verdict XDP_PASS (run limit-syns :packet (tcp-packet) :repeat 100))
  (is-verdict XDP_DROP (run limit-syns :packet (tcp-packet)))
  (is-verdict XDP_PASS (run limit-syns :packet (tcp-packet :src "10.0.0.3")))
  (is-map syn-count (list (list (ip "10.0.0.1") 101) (list (ip "10.0.0.3") 1))))

(deftest open-connections-go-on
  (setf (getmap syn-count (ip "10.0.0.1")) 1000)
  (is-verdict XDP_PASS (run limit-syns :packet (tcp-packet :flags :ack)))
  (is-verdict XDP_PASS (run limit-syns :packet (tcp-packet :flags '(:syn :ack))))
  (is-verdict XDP_DROP (run limit-syns :packet (tcp-packet))))
