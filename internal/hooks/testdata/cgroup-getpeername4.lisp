(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/getpeername4")
  (incf (getmap seen 0))
  (setf (ctx user-ip4) (htonl #xc0000209) (ctx user-port) (htons 99))
  1)
