;; Variables of the kernel: the bytes of its own BTF, where it begins and ends, and one that no kernel has.
(defksym |__start_BTF| u32)
(defksym |__stop_BTF|)
(defksym btf-begin-of-nothing void :weak t)
(defksym |__start_notes| void :weak t)
(defksym jiffies u64 :weak t) ; only CONFIG_KALLSYMS_ALL has it
(defmap seen :type :array :key u32 :value u64 :max-entries 6)

(defprog see (:type :raw-tracepoint :section "raw_tp/sys_enter")
  (setf (getmap seen 1) |__start_BTF|
        (getmap seen 2) |__stop_BTF|
        (getmap seen 3) (ksym-exists btf-begin-of-nothing)
        (getmap seen 4) (ksym-exists |__start_notes|))
  (when (ksym-exists jiffies)
    (let* ((before jiffies) (now (jiffies64)) (after jiffies))
      (unless (and (/= before 0) (<= before now after))
        (incf (getmap seen 5)))))
  (incf (getmap seen 0))
  0)
