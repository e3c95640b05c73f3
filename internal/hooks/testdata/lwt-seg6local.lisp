(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:type :lwt-seg6local)
  (incf (getmap seen 0))
  BPF_DROP)
