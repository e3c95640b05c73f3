;;; Nothing leaves.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:type :netfilter)
  (incf (getmap seen 0))
  NF_DROP)
