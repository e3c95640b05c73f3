(defmap seen :type :array :key u32 :value u64 :max-entries 3)

(defprog enter (:section "fentry.s/bpf_fentry_test1" :args (a))
  (setf (getmap seen 0) a)
  0)

(defprog modify (:section "fmod_ret.s/bpf_fentry_test1" :args (a))
  (setf (getmap seen 1) a)
  0)

(defprog leave (:section "fexit.s/bpf_fentry_test1" :args (a))
  (setf (getmap seen 2) (+ a (retval)))
  0)
