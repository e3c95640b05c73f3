;;; No socket of the cgroup may be bound to port 7777.
(import-kernel-struct sockaddr-in sin-family sin-port)
(defmap seen :type :array :key u32 :value u64 :max-entries 1)

(defprog see (:section "lsm_cgroup/socket_bind" :args (address addrlen))
  (let ((in (as-sockaddr-in address)))
    (when (and (= (sockaddr-in-sin-family in) AF_INET) (= (ntohs (sockaddr-in-sin-port in)) 7777))
      (incf (getmap seen 0))
      (return 0)))
  1)
