;;; Stands in for the whole program of xdp.
(defmap seen :type :array :key u32 :value u64 :max-entries 1)

(defprog other (:section "freplace/see" :extends :xdp)
  (incf (getmap seen 0))
  XDP_PASS)
