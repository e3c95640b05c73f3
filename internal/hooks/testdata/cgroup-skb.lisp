(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/skb")
  (setf (ctx mark) 7)
  (when (and (= (ctx protocol) (htons ETH_P_IP)) (ctx sk))
    (incf (getmap seen 0)))
  1)
