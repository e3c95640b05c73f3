; What the language refuses before the flow analysis: rules of its own, for which the kernel refuses such programs too.
(import-kernel-struct task-struct pid)
(defstruct st (a u64) (b u32) (c u32))
(defstruct other (x u64))
(defstruct lk (lock bpf-spin-lock) (n u32) (a u64))
(defstruct ses (t bpf-timer) (n u64))
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
(defmap s :type :hash :key u32 :value st :max-entries 8)
(defmap arr :type :array :key u32 :value u64 :max-entries 4)
(defmap hl :type :hash :key u32 :value lk :max-entries 4)
(defmap ht :type :hash :key u32 :value ses :max-entries 4)
(defmap rb :type :ringbuf :max-entries 4096)
(defmap progs :type :prog-array :key-size 4 :value-size 4 :max-entries 4)
(defmap q :type :queue :value u64 :max-entries 4)
(defglobal limit u32 5 :const t)
;;;; number-dereferenced
(defprog p ()
  (load u32 (ctx rx-queue-index) 0)) ; ERROR 13: "`load` wants a pointer, and this is a number .u32."
;;;; pointer-times
(defprog p ()
  (let ((d (ctx data)))
    (* d 2))) ; ERROR 8: "`.` wants a number, and this is a pointer to packet data"
;;;; pointer-masked
(defprog p ()
  (let ((d (ctx data)))
    (logand d 7))) ; ERROR 13: "`logand` wants a number, and this is a pointer to packet data"
;;;; pointers-added
(defprog p ()
  (let ((d (ctx data)) (e (ctx data-end)))
    (if (> (+ d e) 5) 1 2))) ; ERROR 17: "two pointers cannot be added"
;;;; pointer-truncated
(defprog p ()
  (let ((d u32 (ctx data))) ; ERROR 10: "a pointer does not fit into `u32`"
    d))
;;;; end-dereferenced
(defprog p ()
  (load u8 (ctx data-end) 0)) ; ERROR 12: "a pointer to the end of the packet cannot be dereferenced"
;;;; map-dereferenced
(defprog p ()
  (load u8 h 0)) ; ERROR 12: "unknown variable `h`"
;;;; kernel-memory
(defprog p (:type :tracepoint :section "tracepoint/sched/sched_switch")
  (load u64 (get-current-task) 0)) ; ERROR 13: "`load` wants a pointer, and this is a number .u64."
;;;; context-read
(defprog p (:type :cgroup-skb)
  (ctx tc-classid) ; ERROR 8: "a cgroup-skb program may not read the context field `tc-classid`"
  1)
;;;; context-write
(defprog p ()
  (setf (ctx ingress-ifindex) 1) ; ERROR 14: "a xdp program may not write the context field `ingress-ifindex`"
  2)
;;;; context-beyond
(defprog p ()
  (ctx u32 400)) ; ERROR 12: "the context .struct xdp_md. has nothing at offset 400"
;;;; context-odd
(defprog p ()
  (ctx u32 2)) ; ERROR 12: "the context field `data` is a pointer at offset 0 with 4 bytes"
;;;; context-absent
(defprog p (:type :syscall)
  (ctx 8) ; ERROR 3: "a syscall program has no context with fields"
  0)
;;;; context-stored
(defprog p ()
  (store u32 (ctx-ptr) 8 1) ; ERROR 14: "the context is written by field"
  2)
;;;; context-wanted
(defprog p (:type :tc)
  (let ((b (struct-alloc 16)))
    (skb-load-bytes b 0 b 4) ; ERROR 21: "argument 1 of `skb-load-bytes` must be the context"
    0))
;;;; map-wanted
(defprog p ()
  (ringbuf-output 5 (struct-alloc 8) 8 0) ; ERROR 19: "argument 1 of `ringbuf-output` must be the name of a map"
  2)
;;;; number-wanted
(defprog p ()
  (xdp-adjust-head (ctx-ptr) (ctx data)) ; ERROR 30: "argument 2 of `xdp-adjust-head` .delta. must be a number, and this is a"
  2)
;;;; pointer-wanted
(defprog p (:type :tc)
  (skb-load-bytes (ctx-ptr) 0 64 4) ; ERROR 31: "argument 3 of `skb-load-bytes` .to. must be a pointer, and this is a num"
  0)
;;;; constant-wanted
(defprog p ()
  (ringbuf-reserve rb (ctx rx-queue-index) 0) ; ERROR 23: "argument 2 of `ringbuf-reserve` must be a constant"
  2)
;;;; too-few-arguments
(defprog p ()
  (xdp-adjust-head (ctx-ptr)) ; ERROR 3: "`xdp-adjust-head` got 1 argument"
  2)
;;;; helper-of-other-programs
(defprog p ()
  (skb-pull-data (ctx-ptr) 20) ; ERROR 4: "a xdp program cannot call the helper `skb-pull-data`"
  2)
;;;; helper-gpl
(defprog p (:type :tracepoint :license "Proprietary" :section "tracepoint/sched/sched_switch")
  (probe-read-kernel (struct-alloc 8) 8 0) ; ERROR 4: "the helper `probe-read-kernel` needs a GPL-compatible licence, and `p` h"
  0)
;;;; helper-sleeps
(defprog p (:type :lsm :section "lsm/file_open")
  (copy-from-user (struct-alloc 8) 8 0) ; ERROR 4: "the helper `copy-from-user` may sleep, and a program of the section .lsm"
  0)
;;;; helper-unknown
(defprog p ()
  (get-current-tusk) ; ERROR 4: "unknown form `get-current-tusk`"
  2)
;;;; map-of-wrong-type-tail-call
(defprog p ()
  (tail-call h 1) ; ERROR 14: "a hash map has no programs to call"
  2)
;;;; map-without-lookup
(defprog p ()
  (getmap q 1)) ; ERROR 11: "a queue map has no lookup"
;;;; map-without-push
(defprog p ()
  (map-push h 1) ; ERROR 13: "a hash map has no push"
  2)
;;;; map-ring-of-hash
(defprog p ()
  (ringbuf-output h (struct-alloc 8) 8 0) ; ERROR 19: "a hash map has no records"
  2)
;;;; map-perf-of-ring
(defprog p ()
  (perf-event-output (ctx-ptr) rb 0 (struct-alloc 8) 8) ; ERROR 32: "a ringbuf map has no perf events"
  2)
;;;; key-too-short
(defprog p ()
  (let ((b (struct-alloc 2)))
    (if (map-lookup-ptr h b) 1 2))) ; ERROR 27: "`map-lookup-ptr` reads 4 bytes, the key of `h`, and there are 2"
;;;; array-index
(defprog p ()
  (getmap arr 4)) ; ERROR 15: "the index 4 is outside of `arr`"
;;;; constant-written
(defprog p ()
  (setf limit 6) ; ERROR 9: "the global variable `limit` is constant"
  2)
;;;; loop-without-end
(defprog p ()
  (let ((n (ktime-get-ns)))
    (while (> n 3) (decf n))) ; ERROR 5: "nothing shows that this loop ends"
  2)
;;;; loop-too-long
(defprog p ()
  (dotimes (i 3000000) (ktime-get-ns)) ; ERROR 15: "a loop of 3000000 turns is more than the verifier follows"
  2)
;;;; loop-helper-too-long
(defprog p ()
  (bpf-loop (i 9000000) 0) ; ERROR 16: "a loop of 9000000 turns"
  2)
;;;; recursion
(defsubprog again ((a u64)) u64 ; ERROR 13: "the subprogram `again` calls itself"
  (again a))
(defprog p () (again 1))
;;;; stack-size
(defprog p () ; ERROR 10: "the program `p` needs 608 bytes of stack"
  (let ((a (struct-alloc 300)) (b (struct-alloc 300)))
    (ringbuf-output rb a 300 0)
    (ringbuf-output rb b 300 0))
  2)
;;;; stack-object
(defprog p ()
  (struct-alloc 600) ; ERROR 17: "600 bytes do not fit on the stack"
  2)
;;;; stack-over-calls
(defsubprog f ((x u64)) u64 (:global t)
  (let ((b (struct-alloc 300)))
    (ringbuf-output rb b 300 0)
    x))
(defprog p () ; ERROR 10: "the program `p` and what it calls need 640 bytes of stack"
  (let ((b (struct-alloc 300)))
    (ringbuf-output rb b 300 0)
    (f 1)))
;;;; stack-returned
(defsubprog f ((x u64)) (ptr u64)
  (let ((b 5)) (stack-addr b))) ; ERROR 3: "`f` would return a pointer to its own stack, which is gone by then"
(defprog p () (load u64 (f 1) 0))
;;;; arguments-of-a-subprogram
(defsubprog f (a b c d e f) u64 a) ; ERROR 26: "`f` has 6 parameters"
(defprog p () 2)
;;;; context-of-two-types
(defsubprog f () u32 (ctx rx-queue-index)) ; ERROR 27: "the context of a tc program .struct __sk_buff. has no field `rx-queue-in"
(defprog p (:type :tc)
  (f))
;;;; result-constant
(defprog p (:type :cgroup-skb)
  7) ; ERROR 3: "a cgroup-skb program cannot return 7"
;;;; result-pointer
(defprog p ()
  (getmap s 1)) ; ERROR 3: "the result of the program may be a pointer to st in a map value, which t"
;;;; division-by-zero
(defprog p ()
  (/ (ctx rx-queue-index) 0)) ; ERROR 27: "division by zero"
;;;; shift-too-far
(defprog p ()
  (<< (ctx rx-queue-index) 64)) ; ERROR 28: "a shift by 64 bits"
;;;; lock-read
(defprog p () (when-let ((v (getmap hl 1)))
  (load u32 (lk-lock v))) ; ERROR 13: "`load` would look into a bpf-spin-lock, which only the kernel does"
  1)
;;;; lock-on-the-stack
(defprog p ()
  (let ((x (make-lk)))
    (with-spin-lock (x) 1)) ; ERROR 5: "a bpf-spin-lock lives in the value of a map, and this points to stack me"
  1)
;;;; lock-argument
(defprog p () (when-let ((v (getmap hl 1)))
  (spin-lock v)) ; ERROR 14: "argument 1 of `spin-lock` must point to a bpf-spin-lock, and this points"
  1)
;;;; lock-in-a-tracing-program
(defprog p (:type :tracepoint :section "tracepoint/sched/sched_switch")
  (when-let ((v (getmap hl 1))) 1) ; ERROR 25: "a tracepoint program cannot use `hl`, whose values have a bpf-spin-lock"
  0)
;;;; timer-argument
(defprog p () (when-let ((v (getmap ht 1)))
  (timer-start v 5 0)) ; ERROR 16: "argument 1 of `timer-start` must point to a bpf-timer, and this points t"
  1)
;;;; timer-in-a-tracing-program
(defprog p (:type :tracepoint :section "tracepoint/sched/sched_switch")
  (when-let ((v (getmap ht 1))) 1) ; ERROR 25: "a tracepoint program cannot use `ht`, whose values have a bpf-timer"
  0)
;;;; timer-outside
(defprog p () (let ((n 1))
  (when-let ((v (getmap ht 1)))
    (timer-set-callback (ses-t v) (k b ht)
      (incf (ses-n b) n))) ; ERROR 23: "the variable `n` is gone when the kernel calls this"
  1))
;;;; dynptr-read
(defprog p ()
  (with-dynptr (d (ringbuf-reserve-dynptr rb 8 0))
    (load u64 d 0)) ; ERROR 15: "`load` would look into a bpf-dynptr, which only the kernel does"
  1)
;;;; dynptr-of-the-stack
(defprog p ()
  (with-dynptr (d (dynptr-from-mem (struct-alloc 8) 8 0)) 1) ; ERROR 36: "`dynptr-from-mem` wants a value of a map, and this points to stack memor"
  1)
;;;; dynptr-argument
(defprog p () (when-let ((v (getmap s 1)))
  (dynptr-data v 0 8)) ; ERROR 16: "argument 1 of `dynptr-data` must point to a bpf-dynptr, and this points"
  1)
;;;; kptr
(defstruct kp (task (kptr task-struct))) ; ERROR 21: "fields of type `kptr` are not supported"
(defprog p () 1)
;;;; struct-of-another-kind
(defprog p () (when-let ((v (getmap s 1)))
  (other-x v)) ; ERROR 12: "`other-x` wants a pointer to `other`, and this points to `st`"
  1)
;;;; index-of-a-field
(defstruct ar (n (array u16 2)))
(defprog p ()
  (let ((a (make-ar)))
    (ar-n a 2))) ; ERROR 13: "index 2 of the array `ar-n`"
;;;; printk-format
(defprog p ()
  (printk "%q" 1) ; ERROR 11: "`%q` is not a directive of the kernel's bpf_trace_printk"
  2)
;;;; kfunc-of-other-programs
(defprog p (:type :socket-filter)
  (bpf-task-release 0) ; ERROR 21: "argument 1 of `bpf-task-release` .p. must not be null"
  0)
