; A subprogram that uses a lock's map, and a program that may not.
(defstruct pair (lock bpf-spin-lock) (n u32) (a u64) (b u64))
(defmap hp :type :hash :key u32 :value pair :max-entries 4)
(defsubprog sum ((x u32)) u64
  (let ((v (getmap hp x))) ; ERROR 12: "`sum` uses `hp`, whose values have a bpf-spin-lock, and the tracepoint program `calls` may not"
    (if v (+ (pair-a v) (pair-b v)) 0)))
(defprog packets (:type :tc) (logand (sum 1) 1))
(defprog calls (:type :tracepoint :section "tracepoint/sched/sched_wakeup")
  (sum 2)
  0)
