;;; Connections go to listener 0; when it closes, to listener 1.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap group :type :reuseport-sockarray :key u32 :value u64 :max-entries 2)

(defprog see (:section "sk_reuseport/migrate")
  (let ((i u32 (if (ctx migrating-sk) 1 0)))
    (when i (incf (getmap seen 0)))
    (if (= (sk-select-reuseport (ctx-ptr) group (stack-addr i) 0) 0) SK_PASS SK_DROP)))
