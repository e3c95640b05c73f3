;;; What the socket in slot 0 receives goes out of that in slot 1.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap sockets :type :sockmap :key u32 :value u64 :max-entries 2)

(defprog judge (:section "sk_skb/verdict")
  (incf (getmap seen 0))
  (sk-redirect-map (ctx-ptr) sockets 1 0))
