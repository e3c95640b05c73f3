(defmap who :type :array :key u32 :value u32 :max-entries 1)
(defmap seen :type :array :key-size 4 :value-size 8 :max-entries 1)

(defmacro when-ours (&body body)
  `(when (= (>> (get-current-pid-tgid) 32) (getmap who 0)) ,@body))

(defprog p (:type :fentry :section "fentry.s/__x64_sys_openat")
  (when-ours (incf (getmap seen 0)))
  0)
