(deftest the-time-from-wakeup-to-switch
  (with-time 1000000
    (run on-wakeup :ctx '(:pid 42 :comm "worker"))
    (is-map woken '((42 1000000))))
  (with-time 1900000              ; 900 us later: 2^9 to 2^10
    (run on-switch :ctx '(:next-pid 42)))
  (is-map woken '())
  (is-map latency-us '((9 1))))

(deftest a-task-that-nobody-woke
  (is (= 0 (run on-switch :ctx '(:next-pid 7))))
  (is-map latency-us '()))
