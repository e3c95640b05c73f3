(deftest an-event-for-each-fork
  (with-process (:pid 100 :comm "make")
    (run on-fork :ctx '(:parent-pid 100 :child-pid 200)))
  (is (equal (events forks) (list (make-fork :parent 100 :child 200 :comm "make")))))
