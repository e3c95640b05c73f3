; Timers and dynptrs.
(defstruct session (idle bpf-timer) (packets u64))
(defmap sessions :type :hash :key u32 :value session :max-entries 4)
(defmap plain :type :hash :key u32 :value u64 :max-entries 4)
(defmap tl :type :percpu-hash :key u32 :value session :max-entries 4) ; ERROR 18: "the values of a percpu-hash map cannot have a bpf-timer"
(defsubprog looks ((x u64)) u64 (+ x (ctx rx-queue-index)))
(defprog later ()
  (let ((outside 4))
    (when-let ((s (getmap sessions 1)))
      (timer-init (session-idle s) sessions CLOCK_MONOTONIC)
      (timer-set-callback (session-idle s) (id v sessions)
        (incf (session-packets v) outside)) ; ERROR 35: "the variable `outside` is gone when the kernel calls this"
      (timer-set-callback (session-idle s) (id v sessions)
        (setf outside 1)) ; ERROR 15: "the variable `outside` is gone"
      (timer-set-callback (session-idle s) (id v sessions)
        (bpf-loop (i 4) (incf (session-packets v) outside))) ; ERROR 51: "the variable `outside` is gone"
      (timer-set-callback (session-idle s) (id v sessions)
        (incf (session-packets v) (ctx rx-queue-index))) ; ERROR 35: "the context is gone when the kernel calls this"
      (block b
        (timer-set-callback (session-idle s) (id v sessions)
          (return-from b 1))) ; ERROR 11: "what is around this is gone"
      (dotimes (i 3)
        (timer-set-callback (session-idle s) (id v sessions)
          (break))) ; ERROR 11: "`break` stands outside of a loop"
      (timer-set-callback (session-idle s) (id v) 1) ; ERROR 44: "malformed callback"
      (timer-set-callback (session-idle s) (id v plain) 1) ; ERROR 50: "the values of `plain` have no bpf-timer"
      (timer-set-callback s (id v sessions) 1) ; ERROR 27: "must point to a bpf-timer, and this points to `session`"
      (timer-set-callback 5 (id v sessions) 1) ; ERROR 27: "wants a pointer, and this is a number"
      (timer-start s 5 0))) ; ERROR 20: "must point to a bpf-timer"
  1)
(defprog kpt (:type :kprobe :section "kprobe/do_exit")
  (when-let ((v (getmap sessions 1))) 1) ; ERROR 25: "a kprobe program cannot use `sessions`, whose values have a bpf-timer"
  0)
(defprog dynptrs ()
  (with-dynptr (d 5) 1) ; ERROR 19: "a dynptr is made by a call"
  (with-dynptr (d (dynptr-from-mem (struct-alloc 8) 8 0)) 1) ; ERROR 36: "wants a value of a map, and this points to stack memory"
  (when-let ((v (map-lookup plain 1)))
    (with-dynptr (d (dynptr-from-mem v 8 0))
      (load u64 d 0) ; ERROR 17: "`load` would look into a bpf-dynptr"
      (store u64 d 8 0) ; ERROR 18: "`store` would look into a bpf-dynptr"
      (probe-read-kernel d 16 0) ; ERROR 26: "`probe-read-kernel` would look into a bpf-dynptr"
      (dynptr-data v 0 8) ; ERROR 20: "must point to a bpf-dynptr, and this points to `u64`"
      (map-update plain 1 d 0))) ; ERROR 27: "bpf-dynptr"
  1)
