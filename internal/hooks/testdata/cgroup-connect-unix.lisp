;;; No connection to a local socket of a name.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/connect_unix")
  (when (= (ctx user-family) AF_UNIX)
    (incf (getmap seen 0)))
  0)
