(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "iter/cgroup")
  (incf (getmap seen 0))
  0)
