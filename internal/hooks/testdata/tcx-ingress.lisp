(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "tcx/ingress")
  (with-udp (data data-end udp)
    (when (= (udp-dst-port udp) 9)
      (setf (ctx mark) 7 (ctx cb 1) (ctx ingress-ifindex))
      (incf (getmap seen 0))
      (return TC_ACT_SHOT)))
  TC_ACT_OK)
