(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/getpeername6")
  (incf (getmap seen 0))
  (setf (ctx user-ip6 0) (htonl #x20010db8) (ctx user-ip6 1) 0 (ctx user-ip6 2) 0 (ctx user-ip6 3) (htonl 9) (ctx user-port) (htons 99))
  1)
