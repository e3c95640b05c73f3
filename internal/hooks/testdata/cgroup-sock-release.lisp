(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/sock_release")
  (incf (getmap seen 0))
  1)
