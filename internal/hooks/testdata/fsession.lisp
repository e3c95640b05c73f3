;;; Runs at entry and return.
(defmap who :type :array :key u32 :value u32 :max-entries 1)
(defmap seen :type :array :key-size 4 :value-size 8 :max-entries 1)

(defprog p (:section "fsession/security_file_open" :args (file))
  (when (= (>> (get-current-pid-tgid) 32) (getmap who 0))
    (incf (getmap seen 0)))
  0)
