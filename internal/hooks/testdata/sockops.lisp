;;; Counts connections from both ends, by what the kernel asks.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "sockops")
  (case (ctx op)
    (BPF_SOCK_OPS_TCP_CONNECT_CB (incf (getmap seen 1)))
    (BPF_SOCK_OPS_RWND_INIT (setf (ctx reply) 20))
    (BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB
     (when (and (= (ctx family) AF_INET) (= (ctx remote-ip4) (htonl #x7f000001)))
       (sock-ops-cb-flags-set (ctx-ptr) BPF_SOCK_OPS_STATE_CB_FLAG)
       (incf (getmap seen 0))))
    (BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB (incf (getmap seen 2)))
    (BPF_SOCK_OPS_STATE_CB (incf (getmap seen 3))))
  1)
