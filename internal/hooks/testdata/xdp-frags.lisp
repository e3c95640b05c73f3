;;; The whole length of a frame that may lie in pieces.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "xdp.frags")
  (setf (getmap seen 0) (xdp-get-buff-len (ctx-ptr)))
  XDP_DROP)
