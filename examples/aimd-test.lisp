(defun connection (&rest fields)
  (let ((sk (apply (function make-tcp-sock) fields)))
    (run aimd-init :args (list sk))
    sk))

(deftest slow-start-grows-by-what-came-through
  (let ((sk (connection :snd-cwnd 10 :snd-ssthresh 100 :max-packets-out 10)))
    (run aimd-cong-avoid :args (list sk 0 4))
    (is (= 14 (tcp-sock-snd-cwnd sk)))))

(deftest then-by-one-in-a-round-trip
  (let ((sk (connection :snd-cwnd 10 :snd-ssthresh 5 :is-cwnd-limited 1)))
    (run aimd-cong-avoid :args (list sk 0 6))
    (is (= 10 (tcp-sock-snd-cwnd sk)))
    (run aimd-cong-avoid :args (list sk 0 4))
    (is (= 11 (tcp-sock-snd-cwnd sk)))))

(deftest a-sender-that-has-less-to-send-learns-nothing
  (let ((sk (connection :snd-cwnd 10 :snd-ssthresh 5 :is-cwnd-limited 0)))
    (run aimd-cong-avoid :args (list sk 0 20))
    (is (= 10 (tcp-sock-snd-cwnd sk)))))

(deftest a-loss
  (let ((sk (connection :snd-cwnd 20)))
    (is (= 14 (run aimd-ssthresh :args (list sk))))
    (is-map losses '((4 1)))
    (setf (tcp-sock-snd-cwnd sk) 14)
    (is (= 20 (run aimd-undo-cwnd :args (list sk)))))
  (is (= +smallest+ (run aimd-ssthresh :args (list (connection :snd-cwnd 1))))))
