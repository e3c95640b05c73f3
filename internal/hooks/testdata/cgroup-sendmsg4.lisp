;;; Datagrams to 192.0.2.1:7 go to port config[0] of this machine.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap config :type :array :key u32 :value u64 :max-entries 1)

(defprog see (:section "cgroup/sendmsg4")
  (when (= (ctx user-ip4) (htonl #xc0000201))
    (incf (getmap seen 0))
    (setf (ctx user-ip4) (htonl #x7f000001)
          (ctx msg-src-ip4) (htonl #x7f000002)
          (ctx user-port) (htons (getmap config 0))))
  1)
