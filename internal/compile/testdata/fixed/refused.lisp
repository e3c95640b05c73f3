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
;;;; helper-gpl: a licence that the kernel wants
(defprog p (:type :tracepoint :license "GPL" :section "tracepoint/sched/sched_switch")
  (probe-read-kernel (struct-alloc 8) 8 0) ; was: the helper `probe-read-kernel` needs a GPL-compatible licence, and `p` h
  0)
;;;; helper-unknown: write `get-current-task`
(defprog p ()
  (get-current-task) ; was: unknown form `get-current-tusk`
  2)
