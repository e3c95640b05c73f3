;;; A route has one program for each way.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog coming (:type :lwt-in) (incf (getmap seen 1)) BPF_OK)
(defprog going (:type :lwt-out) (incf (getmap seen 0)) BPF_OK)
(defprog gone (:type :lwt-xmit) (incf (getmap seen 2)) BPF_OK)
