; Calls that the kernel refuses; they are looked at when nothing else is wrong.
(defsubprog self ((a u64)) u64 (self a)) ; ERROR 13: "calls itself"
(defsubprog ping ((a u64)) u64 (+ 1 (pong a))) ; ERROR 13: "calls itself"
(defsubprog pong ((a u64)) u64 (+ 1 (ping a)))
(defsubprog len () u64 (- (ctx data-end) (ctx data))) ; ERROR 27: "programs of two types"
(defprog a () (self 1))
(defprog b () (ping 2))
(defprog x () (len))
(defprog t1 (:type :tc) (len))
