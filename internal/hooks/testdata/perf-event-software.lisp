(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "perf_event")
  (incf (getmap seen 0))
  (setf (getmap seen 1) (ctx addr))
  0)
