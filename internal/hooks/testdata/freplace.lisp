;;; Stands in for the function of xdp-global.
(defmap seen :type :array :key u32 :value u64 :max-entries 2)

(defprog other-verdict (:section "freplace/verdict" :extends :xdp :args ((ctx ctx) (port u16)) :result u32)
  (when (= port 9)
    (incf (getmap seen 0))
    (setf (getmap seen 1) port))
  (if (< (- (ctx data-end) (ctx data)) 14) XDP_DROP XDP_PASS))
