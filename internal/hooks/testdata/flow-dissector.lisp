(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:type :flow-dissector)
  (let ((keys (ctx flow-keys)))
    (incf (getmap seen 0))
    (setf (getmap seen 1) (load u16 keys 0))) ; nhoff
  BPF_OK)
