; The kernel here is testdata/kernel/kernel.c.
(import-kernel-struct task-struct pid comm mm se children real-parent->tgid (gone u32) in-execve frozen)
(import-kernel-struct mm-struct total-vm inner)
(import-kernel-struct sock sk-rcvbuf)
(import-kernel-struct task-strukt pid) ; ERROR 23: "the kernel has no struct `task_strukt`"
(import-kernel-struct sched-entity vruntme) ; ERROR 36: "`struct sched_entity` has no field `vruntme`"
(import-kernel-struct list-head next->pid) ; ERROR 33: "`struct list_head` has no field `pid`"
(import-kernel-struct sock-common skc-dport->x) ; ERROR 35: "`unsigned short` is no struct"
(import-kernel-struct file f-flags f-flags) ; ERROR 36: "the field `f-flags` is named twice"
(import-kernel-struct task-struct tgid) ; ERROR 23: "the struct `task-struct` is imported twice"
(import-kernel-struct msghdr "name") ; ERROR 30: "malformed field"

(defprog one (:type :raw-tracepoint :section "raw_tp/sched_switch" :args (prev preempt))
  (let ((task (get-current-task)))
    (task-struct-pid) ; ERROR "`task-struct-pid` got 0 arguments"
    (task-struct-pid 5) ; ERROR 22: "wants a pointer, and this is a number"
    (task-struct-pid task 1) ; ERROR "`task-struct-pid` got 2 arguments"
    (task-struct-comm task 16) ; ERROR 28: "index 16 of the array"
    (mm-struct-total-vm prev) ; ERROR 25: "wants a pointer to `mm-struct`, and this points to `task-struct`"
    (task-struct-pid (task-struct-mm task)) ; ERROR 22: "wants a pointer to `task-struct`, and this points to `mm-struct`"
    (task-struct-pid (ctx-ptr)) ; ERROR 22: "wants a pointer into the kernel"
    (as-task-struct (ctx-ptr)) ; ERROR 21: "wants an address in the kernel"
    (task-struct-tgid task) ; ERROR 6: "unknown form `task-struct-tgid`"
    (task-struct-in-execve-ptr task) ; ERROR "a bit-field has no address"
    (load u32 (task-struct-mm task)) ; ERROR 15: "`load` cannot read kernel memory directly here"
    (setf (task-struct-pid task) 1) ; ERROR 12: "`task-struct-pid` cannot be written here"
    (setf (task-struct-gone task) 1) ; ERROR 12: "is not a place"
    (field-exists task-struct state) ; ERROR 31: "`struct task_struct` has no field `state`"
    (field-size nothing pid) ; ERROR 17: "the kernel has no struct `nothing`"
    (field-size task-struct real-parent->pid) ; ERROR 29: "leads through a pointer"
    (field-size task-struct 5) ; ERROR 29: "must be the name of a field"
    (type-size nothing) ; ERROR 16: "the kernel has no type `nothing`"
    (enum-value pid-typ PIDTYPE_PID) ; ERROR 17: "the kernel has no enum `pid_typ`"
    (enum-value pid-type PIDTYPE_X) ; ERROR 26: "has no constant `PIDTYPE_X`"
    (core-load u64 task 0 task-struct pid) ; ERROR 16: "has 4 bytes, and `u64` has 8"
    (core-load u32 (ctx-ptr) 0 task-struct pid) ; ERROR 20: "wants an address in the kernel"
    (with-read-faults (5) 1) ; ERROR 23: "malformed variable"
    (arg nxt) ; ERROR 10: "has no argument `nxt`"
    (retval)) ; ERROR 5: "runs before the function returns"
  0)
(defprog two (:type :fentry :section "fentry/tcp_sendmsgs" :args (sk)) 0) ; ERROR 38: "the kernel has no function `tcp_sendmsgs`"
(defprog three (:type :fentry)
  (arg sk) ; ERROR 3: "does not say which function"
  0)
(defprog four (:type :fexit :attach tcp-close)
  (retval) ; ERROR 3: "returns nothing"
  0)
(defprog five (:type :xdp)
  (arg sk) ; ERROR 3: "a xdp program has no named arguments"
  XDP_PASS)
(defprog six (:type :fentry :section "fentry/tcp_close" :attach tcp-close) 0) ; ERROR 65: ":section says where"
(defprog seven (:type :xdp :attach "eth0") XDP_PASS) ; ERROR 36: "cannot be attached to"
(defprog eight (:type :fentry :attach tcp-close :args 5) 0) ; ERROR 55: ":args must be a list of names"
(defprog nine (:type :fentry :attach tcp-close :args (5)) 0) ; ERROR 55: "5 is not the name of an argument"
(defprog ten (:type :kretprobe :attach tcp-sendmsg)
  (arg sk) ; ERROR 8: "has no argument `sk`"
  0)
(defprog eleven (:type :iter :section "iter/task" :args (task))
  (task-struct-pid task)
  0)
(defkfunc bpf-task-aquire) ; ERROR 11: "no function `bpf_task_aquire` that programs may call"
(defkfunc bpf-task-release :relase) ; ERROR 28: "unknown flag `:relase`"
(defprog twelve (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (bpf-task-release (as-task-struct (get-current-task))) ; ERROR 21: "must be a pointer that the verifier knows"
  (bpf-task-release 5) ; ERROR 21: "must be a pointer, and this is a number"
  (bpf-task-release 0) ; ERROR 21: "must not be null"
  (bpf-task-release) ; ERROR "`bpf-task-release` got 0 arguments"
  (bpf-task-acquir task) ; ERROR 4: "unknown form `bpf-task-acquir`"
  (bpf-copy-from-user-str (ctx-ptr) 4 0) ; ERROR 4: "may sleep, and `twelve` may not"
  0)
(defprog thirteen (:type :tp-btf :section "tp_btf/task_newtask" :args (task))
  (bpf-task-acquire (retval)) ; ERROR "runs before"
  0)
