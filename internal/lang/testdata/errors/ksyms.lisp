; Variables of the kernel.
(defstruct mine (x u64))
(defksym jiffies u64)
(defksym jiffies u64) ; ERROR 10: "is declared twice"
(defksym k2 (array u8 4)) ; ERROR 13: "a variable of the kernel is a number or one of its structs"
(defksym k3 mine) ; ERROR 13: "a variable of the kernel is a number or one of its structs"
(defksym k4 nosuch) ; ERROR 13: "unknown type `nosuch`"
(defksym k5 u64 :strong t) ; ERROR 17: "unknown keyword `:strong`"
(defksym weak-one void :weak t)
(defprog ksyms (:type :tc)
  (let ((x jiffie)) ; ERROR 12: "unknown variable `jiffie`"
    (setf jiffies 5) ; ERROR 11: "jiffies"
    (this-cpu-ptr jiffies) ; ERROR 19: "the kernel's BTF has no per-CPU variable `jiffies`"
    (per-cpu-ptr 5 1) ; ERROR 18: "must be the name of a variable of the kernel"
    (per-cpu-ptr jiffie 1) ; ERROR 18: "must be the name of a variable of the kernel"
    (ksym-exists jiffies) ; ERROR 18: "the object does not load where the kernel has no `jiffies`"
    (+ jiffies (ksym-exists weak-one))))
(import-kernel-struct task-struct pid)
(import-kernel-struct rq cpu)
(defksym runqueue)
(defksym runqueues)
(defksym cpu-number)
(defprog percpu (:type :tc)
  (rq-cpu (this-cpu-ptr runqueue)) ; ERROR 25: "the kernel's BTF has no per-CPU variable `runqueue`"
  (task-struct-pid (this-cpu-ptr runqueues)) ; ERROR 20: "wants a pointer to `task-struct`"
  (rq-cpu (this-cpu-ptr runqueue 1)) ; ERROR 11: "got 2 arguments"
  (load u32 (this-cpu-ptr cpu-number) 0)
  (+ (rq-cpu (this-cpu-ptr runqueues)) (load u32 (per-cpu-ptr cpu-number 1) 0)))
(defmap total :type :array :key u32 :value u64 :max-entries 1)
(defksym total) ; ERROR 10: "the variable `total` of the kernel and the map `total` have the same name"
(defksym other-total)
(defmap other-total :type :array :key u32 :value u64 :max-entries 1) ; ERROR 9: "other.total"
