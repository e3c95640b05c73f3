(defmap seen :type :array :key u32 :value u64 :max-entries 1)

(defprog enter (:section "fsession.s/bpf_fentry_test1")
  (incf (getmap seen 0))
  0)
