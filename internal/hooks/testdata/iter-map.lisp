(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap table :type :hash :key u32 :value u64 :max-entries 8)

(defprog see (:section "iter/bpf_map_elem")
  (incf (getmap seen 0))
  0)
