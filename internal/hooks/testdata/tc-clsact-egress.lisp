;;; Sends datagrams for port 9 to port config[0].
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap config :type :array :key u32 :value u64 :max-entries 1)

(defprog see (:section "tc/egress")
  (with-udp (data data-end udp)
    (when (= (udp-dst-port udp) 9)
      (incf (getmap seen 0))
      (setf (udp-dst-port udp) (getmap config 0)
            (udp-checksum udp) 0)))
  TC_ACT_OK)
