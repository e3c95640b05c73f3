(deftest counts-by-process-and-size
  (with-process (:pid 7) (run on-malloc :args '(100)))
  (with-process (:pid 8) (run on-malloc :args '(1)) (run on-malloc :args '(127)))
  (is-map calls '((7 1) (8 2)))
  (is-map sizes '((6 2) (0 1))))
