(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:type :lwt-in)
  (when (= (ctx protocol) (htons ETH_P_IP))
    (incf (getmap seen 0)))
  BPF_OK)
