(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup_skb/ingress")
  (with-udp (data data-end udp)
    (when (= (udp-dst-port udp) 9)
      (incf (getmap seen 0))
      (return 0)))                      ; nobody gets it
  1)
