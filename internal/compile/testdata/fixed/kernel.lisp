; Kernel functions and arguments; the kernel is testdata/kernel/kernel.c. What stands before the first ;;;; belongs to every case.
(import-kernel-struct task-struct pid)
;;;; iterator: test `task` first
(defprog p (:type :iter :section "iter/task" :args (task))
  (printk "%d" (if task (task-struct-pid task) 0)) ; was: may be null
  0)
;;;; leak: give it back
(defprog p (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (when-let ((held (bpf-task-acquire task))) ; was: what `bpf-task-acquire` gives here is not given back
    (printk "%d" (task-struct-pid held)) (bpf-task-release held))
  0)
;;;; twice: give it back once
(defprog p (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (when-let ((held (bpf-task-acquire task)))
    (bpf-task-release held)) ; was: given back
  0)
;;;; unchecked: test `held` first
(defprog p (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (let ((held (bpf-task-acquire task)))
    (when held (bpf-task-release held))) ; was: may be null
  0)
;;;; unchecked-field: test `held` first
(defprog p (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (let* ((held (bpf-task-acquire task))
         (pid (if held (task-struct-pid held) 0))) ; was: may be null
    (printk "%d" pid)
    (when held (bpf-task-release held)))
  0)
