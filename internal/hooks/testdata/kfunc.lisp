;; A function of the kernel that gives a reference, and the one that takes it back.
(import-kernel-struct task-struct tgid)
(defmap seen :type :array :key-size 4 :value-size 8 :max-entries 1)
(defmap who :type :array :key u32 :value u32 :max-entries 1)

(defprog on-call (:type :tp-btf :section "tp_btf/sys_enter")
  (when-let ((held (bpf-task-acquire (get-current-task-btf))))
    (when (= (task-struct-tgid held) (getmap who 0))
      (incf (getmap seen 0)))
    (bpf-task-release held))
  0)
