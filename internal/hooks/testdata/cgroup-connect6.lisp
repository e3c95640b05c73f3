;;; Connections to 2001:db8::1 port 7 go to port config[0] of this machine.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap config :type :array :key u32 :value u64 :max-entries 1)

(defprog see (:section "cgroup/connect6")
  (when (and (= (ctx user-ip6 0) (htonl #x20010db8)) (= (ctx user-port) (htons 7)))
    (incf (getmap seen 0))
    (setf (ctx user-ip6 0) 0 (ctx user-ip6 1) 0 (ctx user-ip6 2) 0 (ctx user-ip6 3) (htonl 1)
          (ctx user-port) (htons (getmap config 0))))
  1)
