;;; The context is whatever the caller hands over.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:type :syscall)
  (incf (getmap seen 0))
  (+ (ctx u32 0) (ctx u32 4)))
