; Kernel functions and arguments; the kernel is testdata/kernel/kernel.c. What stands before the first ;;;; belongs to every case.
(import-kernel-struct task-struct pid)
;;;; leak
(defprog p (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (when-let ((held (bpf-task-acquire task))) ; ERROR 20: "what `bpf-task-acquire` gives here is not given back"
    (printk "%d" (task-struct-pid held)))
  0)
;;;; unchecked
(defprog p (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (let ((held (bpf-task-acquire task)))
    (bpf-task-release held)) ; ERROR 5: "may be null"
  0)
;;;; unchecked-field
(defprog p (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (let* ((held (bpf-task-acquire task))
         (pid (task-struct-pid held))) ; ERROR 15: "may be null"
    (printk "%d" pid)
    (when held (bpf-task-release held)))
  0)
;;;; twice
(defprog p (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (when-let ((held (bpf-task-acquire task)))
    (bpf-task-release held)
    (bpf-task-release held)) ; ERROR 5: "given back"
  0)
;;;; iterator
(defprog p (:type :iter :section "iter/task" :args (task))
  (printk "%d" (task-struct-pid task)) ; ERROR 16: "may be null"
  0)
