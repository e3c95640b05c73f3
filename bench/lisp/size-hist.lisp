;;; A histogram of packet sizes in powers of two, per protocol of layer 3.

(defconstant +slots+ 16)

(defstruct hist
  (total u64)
  (slots (array u32 16)))

(defmap hists :type :percpu-array :key u32 :value hist :max-entries 3)

(defprog size-hist (:type :tc :license "GPL")
  (let ((kind (case (ntohs (ctx protocol)) (ETH_P_IP 0) (ETH_P_IPV6 1) (t 2))))
    (when-let ((h (getmap hists kind)))
      (incf (hist-total h) (ctx len))
      (incf (hist-slots h (min (log2 (ctx len)) (- +slots+ 1))))))
  TC_ACT_OK)
