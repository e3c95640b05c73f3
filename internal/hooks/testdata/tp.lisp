(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "tp/syscalls/sys_enter_getpgid")
  (incf (getmap seen 0))
  (setf (getmap seen 1) (ctx u64 16))
  0)
