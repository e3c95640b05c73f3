;;; Whoever sends seems to be 192.0.2.9:99.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/recvmsg4")
  (incf (getmap seen 0))
  (setf (ctx user-ip4) (htonl #xc0000209) (ctx user-port) (htons 99))
  1)
