; Per-CPU variables of another CPU may be missing.
(import-kernel-struct rq cpu)
(defksym runqueues)
(defksym cpu-number)
;;;; null-struct
(defprog p (:type :tc)
  (rq-cpu (per-cpu-ptr runqueues 1))) ; ERROR 3: "may be null"
;;;; null-number
(defprog p (:type :tc)
  (logand 1 (load u32 (per-cpu-ptr cpu-number 1) 0))) ; ERROR 13: "may be null"
