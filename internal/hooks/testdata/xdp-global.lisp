;;; The verdict on a datagram is a function of its own, which can be replaced.
(defmap seen :type :array :key u32 :value u64 :max-entries 1)

(defsubprog verdict ((ctx ctx) (port u16)) u32 (:global t)
  (if (= port 0) XDP_DROP XDP_PASS))

(defprog see (:type :xdp)
  (incf (getmap seen 0))
  (with-udp (data data-end udp)
    (return (verdict (ctx-ptr) (udp-dst-port udp)))))
