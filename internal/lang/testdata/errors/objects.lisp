; The kernel's own objects: where they may stand, and who may use them.
(defstruct pair (lock bpf-spin-lock) (n u32) (a u64) (b u64))
(defstruct other (x u64))
(defstruct twice (lock bpf-spin-lock) (more bpf-spin-lock)) ; ERROR 45: "a second bpf-spin-lock in one struct"
(defstruct nested (x u64) (p pair)) ; ERROR 30: "a bpf-spin-lock cannot stand here"
(defstruct many (ps (array pair 2))) ; ERROR 21: "a bpf-spin-lock cannot stand here"
(defstruct locks (ps (array bpf-spin-lock 2))) ; ERROR 22: "a bpf-spin-lock cannot stand here"
(defstruct dyn (d bpf-dynptr)) ; ERROR 19: "a bpf-dynptr cannot stand here"
(defunion either pair other) ; ERROR 18: "a bpf-spin-lock cannot stand here"
(defunion or2 (l bpf-spin-lock) (x u32)) ; ERROR 18: "a bpf-spin-lock cannot stand here"
(defstruct kp (task (kptr task-struct))) ; ERROR 21: "fields of type `kptr` are not supported"
(defstruct rbt (root bpf-rb-root)) ; ERROR 22: "fields of type `bpf-rb-root` are not supported"
(defstruct lh (head bpf-list-head)) ; ERROR 21: "fields of type `bpf-list-head` are not supported"
(defstruct rc (refs bpf-refcount)) ; ERROR 21: "fields of type `bpf-refcount` are not supported"
(defglobal g pair) ; ERROR 14: "a bpf-spin-lock cannot stand here"
(defmap pairs :type :array :key u32 :value pair :max-entries 1)
(defmap hp :type :hash :key u32 :value pair :max-entries 4)
(defmap k1 :type :hash :key pair :value u64 :max-entries 4) ; ERROR 29: "a bpf-spin-lock cannot stand here"
(defmap v1 :type :lru-hash :key u32 :value pair :max-entries 4) ; ERROR 18: "the values of an lru-hash map cannot have a bpf-spin-lock"
(defmap v2 :type :percpu-array :key u32 :value pair :max-entries 4) ; ERROR 18: "the values of a percpu-array map cannot have a bpf-spin-lock"
(defmap v3 :type :hash :key u32 :value bpf-spin-lock :max-entries 4) ; ERROR 40: "a bpf-spin-lock cannot stand here"
(defmap v4 :type :array :key (array u8 4) :value pair :max-entries 4) ; ERROR 30: "only where the key is a plain u32"
(defmap v5 :type :hash :key u32 :value pair :max-entries 4 :map-flags BPF_F_RDONLY_PROG) ; ERROR 71: "cannot be read-only or write-only for programs"
(defprog stack ()
  (let ((s (make-pair)))
    (with-spin-lock (s) ; ERROR 5: "a bpf-spin-lock lives in the value of a map, and this points to stack memory"
      (incf (pair-a s)))
    1))
(defprog local ()
  (let ((x bpf-spin-lock)) ; ERROR 12: "a bpf-spin-lock cannot stand here"
    1))
(defprog fields ()
  (when-let ((v (getmap hp 1)))
    (spin-lock v) ; ERROR 16: "must point to a bpf-spin-lock, and this points to `pair`"
    (setf (pair-lock v) 0) ; ERROR 12: "`pair-lock` is a bpf-spin-lock, which a program does not write"
    (load u32 (pair-lock v)) ; ERROR 15: "`load` would look into a bpf-spin-lock"
    (memset (pair-lock v) 0 0 4)) ; ERROR 13: "`memset` would look into a bpf-spin-lock"
  (make-pair :lock 1) ; ERROR 4: "`:lock` is a bpf-spin-lock"
  1)
(defprog without ()
  (let ((o (make-other)))
    (with-spin-lock (o) 1))) ; ERROR 22: "`other` has no field of type bpf-spin-lock"
(defprog kp (:type :kprobe :section "kprobe/do_exit")
  (when-let ((v (getmap hp 1))) 1) ; ERROR 25: "a kprobe program cannot use `hp`, whose values have a bpf-spin-lock"
  0)
(defprog sf (:type :socket-filter)
  (when-let ((v (getmap hp 1))) 1) ; ERROR 25: "a socket-filter program cannot use `hp`"
  0)
