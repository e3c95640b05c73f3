(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/recvmsg_unix")
  (when (= (ctx family) AF_UNIX)
    (incf (getmap seen 0)))
  1)
