;;; What arrives goes out of the interface of entry 0, past a program.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap out :type :devmap :key u32 :value u64 :max-entries 2)

(defprog away (:section "xdp.frags")
  (map-redirect out 0 0))

(defprog leaving (:section "xdp.frags/devmap")
  (incf (getmap seen 0))
  (setf (getmap seen 1) (ctx ingress-ifindex)
        (getmap seen 2) (ctx egress-ifindex))
  XDP_DROP)
