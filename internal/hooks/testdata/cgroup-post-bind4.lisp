;;; No socket may be bound to port 7777.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/post_bind4")
  (when (= (ctx src-port) 7777)
    (incf (getmap seen 0))
    (return 0))
  1)
