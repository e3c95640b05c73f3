;;; Who sets the time to live gets 99; and no socket is ever broadcasting.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "cgroup/setsockopt")
  (when (and (= (ctx level) SOL_SOCKET) (= (ctx optname) SO_BROADCAST))
    (return 0))
  (when (and (= (ctx level) IPPROTO_IP) (= (ctx optname) IP_TTL))
    (let ((p (ctx optval)))
      (when (<= (+ p 4) (ctx optval-end))
        (incf (getmap seen 0))
        (store u32 p 0 99))))
  1)
