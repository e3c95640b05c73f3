;;; Sends connections to a service's address to a backend instead.

(defstruct service
  (addr u32)
  (port u16)      ; host order
  (proto u8)
  (pad u8))

(defstruct target
  (addr u32)
  (port u16)      ; host order; 0 keeps the port
  (refuse u16))

(defmap targets :type :hash :key service :value target :max-entries 256)
(defmap redirected :type :hash :key service :value u64 :max-entries 256)

(defprog connect-redirect (:section "cgroup/connect4" :license "GPL")
  (let ((key (make-service :addr (ctx user-ip4)
                           :port (ntohs (ctx user-port))
                           :proto (ctx protocol))))
    (when-let ((v (getmap targets key)))
      (when (target-refuse v) (return 0))
      (setf (ctx user-ip4) (target-addr v))
      (when (target-port v)
        (setf (ctx user-port) (htons (target-port v))))
      (incf (getmap redirected key))))
  1)
