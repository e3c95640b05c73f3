; Per-CPU variables of another CPU may be missing.
(import-kernel-struct rq cpu)
(defksym runqueues)
(defksym cpu-number)
;;;; null-number: test the pointer first
(defprog p (:type :tc)
  (logand 1 (if-let ((p2 (per-cpu-ptr cpu-number 1))) (load u32 p2 0) 0))) ; was: may be null
;;;; null-struct: test the pointer first
(defprog p (:type :tc)
  (if-let ((p2 (per-cpu-ptr runqueues 1))) (rq-cpu p2) TC_ACT_OK)) ; was: may be null
