;;; Who binds to port 7777 gets port config[0], and port 7778 nobody.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap config :type :array :key u32 :value u64 :max-entries 1)

(defprog see (:section "cgroup/bind6")
  (case (ntohs (ctx user-port))
    (7777
     (incf (getmap seen 0))
     (setf (ctx user-port) (htons (getmap config 0)))
     1)
    (7778 0)
    (t 1)))
