(defmap seen :type :array :key u32 :value u64 :max-entries 9)

(defprog see (:section "usdt.s/whistler-probe:whistler:probe")
  (incf (getmap seen 0))
  (setf (getmap seen 1) (usdt-arg 0)
        (getmap seen 2) (usdt-arg 1)
        (getmap seen 3) (usdt-arg 2)
        (getmap seen 4) (usdt-arg 3)
        (getmap seen 5) (usdt-arg 4)
        (getmap seen 6) (usdt-arg 5)
        (getmap seen 7) (usdt-arg 6)    ; there is none
        (getmap seen 8) (usdt-arg-count))
  0)
