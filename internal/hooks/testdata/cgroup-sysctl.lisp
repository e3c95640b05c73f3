;;; net/ipv4/ip_forward can be read but not written.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/sysctl")
  (let ((name (struct-alloc 32)))
    (sysctl-get-name (ctx-ptr) name 32 0)
    (when (starts-with name "net/ipv4/ip_forward")
      (incf (getmap seen (ctx write)))
      (when (ctx write) (return 0))))
  1)
