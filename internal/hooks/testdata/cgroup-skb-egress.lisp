(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup_skb/egress")
  (with-udp (data data-end udp)
    (when (= (udp-dst-port udp) 9)
      (incf (getmap seen 0))))
  1)
