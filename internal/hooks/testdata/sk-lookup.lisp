;;; Connections to port 7777 go to the listener in slot 0.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap listeners :type :sockmap :key u32 :value u64 :max-entries 1)

(defprog see (:type :sk-lookup)
  (when (and (= (ctx local-port) 7777) (= (ctx local-ip4) (htonl #x7f000001)))
    (when-let ((sk (map-lookup listeners 0)))
      (let ((r (sk-assign (ctx-ptr) sk 0)))
        (sk-release sk)
        (when (= r 0) (incf (getmap seen 0))))))
  SK_PASS)
