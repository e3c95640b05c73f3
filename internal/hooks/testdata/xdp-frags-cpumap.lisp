;;; What arrives goes to CPU 0, to a program there.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap cpus :type :cpumap :key u32 :value u64 :max-entries 1)

(defprog away (:section "xdp.frags")
  (map-redirect cpus 0 0))

(defprog there (:section "xdp.frags/cpumap")
  (incf (getmap seen 0))
  XDP_DROP)
