(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/sock")
  (when (and (= (ctx family) AF_INET6) (= (ctx protocol) IPPROTO_UDP))
    (incf (getmap seen 0)))
  1)
