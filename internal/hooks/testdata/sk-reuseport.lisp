;;; Every datagram goes to socket 1 of the group.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap group :type :reuseport-sockarray :key u32 :value u64 :max-entries 2)

(defprog see (:section "sk_reuseport")
  (let ((i u32 1))
    (incf (getmap seen 0))
    (if (= (sk-select-reuseport (ctx-ptr) group (stack-addr i) 0) 0) SK_PASS SK_DROP)))
