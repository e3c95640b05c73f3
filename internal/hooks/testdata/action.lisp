(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "action")
  (when (= (ctx protocol) (htons ETH_P_IP))
    (incf (getmap seen 0)))
  TC_ACT_OK)
