(deftracepoint sched/sched_switch prev-pid next-pid)
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "tracepoint/sched/sched_switch")
  (when (/= (tp-prev-pid) (tp-next-pid))
    (incf (getmap seen 0)))
  0)
