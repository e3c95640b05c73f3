;;; Marks each socket, and refuses raw ones.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/sock_create")
  (incf (getmap seen 0))
  (setf (ctx mark) #x77 (ctx priority) 3)
  (if (= (ctx type) SOCK_RAW) 0 1))
