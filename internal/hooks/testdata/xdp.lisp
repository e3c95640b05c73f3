(defmap seen :type :array :key-size 4 :value-size 8 :max-entries 1)

(defprog see (:type :xdp)
  (incf (getmap seen 0))
  XDP_PASS)
