; What helpers get: sizes, memory, the context, packet data; results; maps that are only read or only written.
(defmap big :type :hash :key u32 :value (array u8 64) :max-entries 4)
(defmap wide :type :hash :key u64 :value (array u8 40) :max-entries 4)
(defmap ro :type :hash :key u32 :value u64 :max-entries 4 :map-flags BPF_F_RDONLY_PROG)
(defmap wo :type :hash :key u32 :value u64 :max-entries 4 :map-flags BPF_F_WRONLY_PROG)
(defmap rb :type :ringbuf :max-entries 4096)
(defmap q :type :queue :value u64 :max-entries 4 :map-flags BPF_F_RDONLY_PROG)
;;;; context-moved: the context itself
(defprog p (:type :tc) (let ((b (struct-alloc 16)))
  (skb-load-bytes (ctx-ptr) 0 b 16) ; was: `skb-load-bytes` gets a pointer into the context, and wants its start
  0))
;;;; packet-atomic: load, add, store
(defprog p () (with-packet (d e :min-len 20)
  (store u64 d 0 (+ (load u64 d 0) 1)) ; was: there are no atomic operations on packet data
  1))
;;;; packet-end-moved: add to the other pointer
(defprog p () (let ((d (ctx data)) (e (ctx data-end)))
  (if (> (+ d 14) e) 1 2))) ; was: this moves a pointer to the end of the packet, which stays where it is
;;;; packet-far: mask `(ctx rx-queue-index)`
(defprog p () (let* ((d (ctx data)) (q (+ d (logand (ctx rx-queue-index) 32767))))
  (when (> (+ q 4) (ctx data-end)) (return 1))
  (load u32 q 0))) ; was: this reads or writes packet data at an offset that may be over 65535, where comparisons prove nothing
;;;; packet-given: copy the bytes first
(defprog p () (with-packet (d e :min-len 20)
  (let ((bytes (struct-alloc 20))) (memcpy bytes 0 d 0 20) (ringbuf-output rb bytes 20 0)) ; was: `ringbuf-output` does not take a pointer to packet data
  1))
;;;; packet-helper-size: ask for 28 bytes
(defprog p () (with-packet (d e :min-len 28)
  (if (s> (csum-diff 0 0 d (* 4 (logand 7 (ctx rx-queue-index))) 0) 0) 1 2))) ; was: this gives packet data to `csum-diff` up to byte 28, and comparisons prove 20
;;;; packet-loop: ask for 21 bytes
(defprog p () (with-packet (d e :min-len 21)
  (let ((sum 0))
    (dotimes (i 21)
      (incf sum (load u8 (+ d i) 0))) ; was: this reads or writes packet data up to byte 21, and comparisons prove 20
    (logand sum 1))))
;;;; packet-moved-given: read the pointers again
(defprog p (:type :tc) (with-packet (d e :min-len 20)
  (skb-pull-data (ctx-ptr) 0)
  (when (with-packet (d e :min-len 20) (map-lookup-ptr big d)) (return 1)) ; was: this uses `d`, a pointer to packet data from before `skb-pull-data`, which may move the packet
  0))
;;;; packet-negative: mask `(cast i8 (ctx rx-queue-index))`
(defprog p () (let* ((d (ctx data)) (q (+ d (logand (cast i8 (ctx rx-queue-index)) 32767))))
  (when (> (+ q 4) (ctx data-end)) (return 1))
  (load u32 q 0))) ; was: this reads or writes packet data at an offset that may be negative: -128 or more
;;;; packet-variable-given: compare with the end of the packet first
(defprog p () (with-packet (d e :min-len 40)
  (let ((k (+ d (logand 15 (load u8 d 0)))))
    (if (if (<= (+ k 4) e) (map-lookup-ptr big k) 0) 1 2)))) ; was: this gives packet data to `map-lookup-elem` up to byte 4 behind `k`, whose offset is variable, and comparisons prove 0
;;;; read-only-argument: leave the flag out
(defmap ro :type :hash :key u32 :value u64 :max-entries 4)
(defprog p (:type :tracepoint :section "tracepoint/sched/sched_switch") (when-let ((v (map-lookup ro 1)))
  (get-current-comm v 8)) ; was: this writes to the map `ro`, which programs only read
  0)
;;;; read-only-atomic: leave the flag out
(defmap ro :type :hash :key u32 :value u64 :max-entries 4)
(defprog p () (when-let ((v (map-lookup ro 1)))
  (atomic-add v 0 1)) ; was: this writes to the map `ro`, which programs only read
  1)
;;;; read-only-delete: leave the flag out
(defmap ro :type :hash :key u32 :value u64 :max-entries 4)
(defprog p ()
  (remmap ro 1) ; was: this writes to the map `ro`, which programs only read
  1)
;;;; read-only-push: leave the flag out
(defmap q :type :queue :value u64 :max-entries 4)
(defprog p ()
  (map-push q 1) ; was: this writes to the map `q`, which programs only read
  1)
;;;; read-only-store: leave the flag out
(defmap ro :type :hash :key u32 :value u64 :max-entries 4)
(defprog p () (when-let ((v (map-lookup ro 1)))
  (store u64 v 0 1)) ; was: this writes to the map `ro`, which programs only read
  1)
;;;; read-only-update: leave the flag out
(defmap ro :type :hash :key u32 :value u64 :max-entries 4)
(defprog p ()
  (setf (getmap ro 1) 2) ; was: this writes to the map `ro`, which programs only read
  1)
;;;; result-cgroup: a mask that fits: 1
(defprog p (:type :cgroup-sock :section "cgroup/sock_create")
  (logand 1 (ctx mark))) ; was: the result may be 0 to 3, and a program in the section cgroup/sock_create gives 0 to 1
;;;; result-egress: a mask that fits: 3
(defprog p (:type :cgroup-skb :section "cgroup_skb/egress")
  (logand 3 (ctx mark))) ; was: the result may be 0 to 7, and a program in the section cgroup_skb/egress gives 0 to 3
;;;; result-ingress: a mask that fits: 1
(defprog p (:type :cgroup-skb :section "cgroup_skb/ingress")
  (logand 1 (ctx mark))) ; was: the result may be 0 to 3, and a program in the section cgroup_skb/ingress gives 0 to 1
;;;; result-lookup: a mask that fits: 1
(defprog p (:type :sk-lookup)
  (logand 1 (ctx local-port))) ; was: the result may be 0 to 3, and a program in the section sk_lookup gives 0 to 1
;;;; result-one-way: a mask that fits: 1
(defprog p (:type :cgroup-skb :section "cgroup_skb/ingress")
  (if (= (ctx mark) 5) (return (logand 1 (ctx len))) 1) ; was: the result may be 0 to 2, and a program in the section cgroup_skb/ingress gives 0 to 1
  1)
;;;; result-unknown: a result in the range
(defprog p (:type :cgroup-sock :section "cgroup/sock_create")
  (logand (mod (ctx mark) 3) 1)) ; was: the result may be any number, and a program in the section cgroup/sock_create gives 0 to 1
;;;; size-negative: mask `n`
(defprog p (:type :tracepoint :section "tracepoint/sched/sched_switch") (let ((b (struct-alloc 32)) (n i32 (get-prandom-u32)))
  (when (< n 32)
    (probe-read-kernel b (logand n 31) 0)) ; was: the size that `probe-read-kernel` gets as argument 2 may be negative
  0))
;;;; size-of-null: test `v` first
(defprog p () (let ((v (map-lookup big 1)))
  (if v
      1
      (if (s> (if v (csum-diff v 4 0 0 0) 0) 0) 1 2)))) ; was: `v` is null here, and `csum-diff` does not take null
;;;; size-packet: ask for 24 bytes
(defprog p () (with-packet (d e :min-len 24)
  (if (s> (csum-diff 0 0 d 24 0) 0) 1 2))) ; was: this gives packet data to `csum-diff` up to byte 24, and comparisons prove 20
;;;; size-stack: a mask that fits: 31
(defprog p () (let ((b (struct-alloc 32)))
  (ringbuf-output rb b (logand 31 (ctx rx-queue-index)) 0) ; was: `ringbuf-output` gets 63 bytes at offset 0 of `b` on the stack, which has 32 bytes
  1))
;;;; size-stack-constant: no more than the 24 bytes that are there
(defprog p () (let ((b (struct-alloc 32)))
  (ringbuf-output rb (+ b 8) 24 0) ; was: `ringbuf-output` gets 32 bytes at offset 8 of `b` on the stack, which has 32 bytes
  1))
;;;; size-unbounded: mask `(get-prandom-u32)`
(defprog p (:type :tracepoint :section "tracepoint/sched/sched_switch") (let ((b (struct-alloc 32)))
  (probe-read-kernel b (logand (get-prandom-u32) 31) 0) ; was: the size that `probe-read-kernel` gets as argument 2 may be negative
  0))
;;;; size-value: a mask that fits: 63
(defprog p () (when-let ((v (map-lookup big 1)))
  (ringbuf-output rb v (logand 63 (ctx rx-queue-index)) 0)) ; was: `ringbuf-output` gets 127 bytes at offset 0 of `v`, a value of `big`, which has 64 bytes
  1)
;;;; size-value-constant: no more than the 64 bytes that are there
(defprog p () (when-let ((v (map-lookup big 1)))
  (ringbuf-output rb v 64 0)) ; was: `ringbuf-output` gets 65 bytes at offset 0 of `v`, a value of `big`, which has 64 bytes
  1)
;;;; size-zero: a size that is never 0
(defprog p (:type :tc) (let ((b (struct-alloc 32)))
  (skb-load-bytes (ctx-ptr) 0 b (+ 1 (logand 31 (ctx mark)))) ; was: the size that `skb-load-bytes` gets as argument 4 may be 0
  0))
;;;; write-only: leave the flag out
(defmap wo :type :hash :key u32 :value u64 :max-entries 4)
(defprog p ()
  (getmap wo 1)) ; was: this reads from the map `wo`, which programs only write
;;;; write-only-argument: leave the flag out
(defmap wo :type :hash :key u32 :value u64 :max-entries 4)
(defprog p () (when-let ((v (map-lookup wo 1)))
  (ringbuf-output rb v 8 0)) ; was: this reads from the map `wo`, which programs only write
  1)
