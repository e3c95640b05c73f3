(deftest an-event-per-program
  (with-process (:pid 4711 :uid 1000 :comm "sleep")
    (is (= 0 (run on-exec :ctx '(:filename "/bin/sleep" :pid 4711)))))
  (is (equal (events execs) (list (make-exec :pid 4711 :uid 1000 :comm "sleep")))))

(deftest a-full-ring-is-no-error
  (with-failing (ringbuf-reserve)
    (is (= 0 (run on-exec))))
  (is (null (events execs))))
