; What helpers get: sizes, memory, the context, packet data; results; maps that are only read or only written.
(defmap big :type :hash :key u32 :value (array u8 64) :max-entries 4)
(defmap wide :type :hash :key u64 :value (array u8 40) :max-entries 4)
(defmap ro :type :hash :key u32 :value u64 :max-entries 4 :map-flags BPF_F_RDONLY_PROG)
(defmap wo :type :hash :key u32 :value u64 :max-entries 4 :map-flags BPF_F_WRONLY_PROG)
(defmap rb :type :ringbuf :max-entries 4096)
(defmap q :type :queue :value u64 :max-entries 4 :map-flags BPF_F_RDONLY_PROG)
;;;; size-zero
(defprog p (:type :tc) (let ((b (struct-alloc 32)))
  (skb-load-bytes (ctx-ptr) 0 b (logand 31 (ctx mark))) ; ERROR 3: "the size that `skb-load-bytes` gets as argument 4 may be 0"
  0))
;;;; size-negative
(defprog p (:type :tracepoint :section "tracepoint/sched/sched_switch") (let ((b (struct-alloc 32)) (n i32 (get-prandom-u32)))
  (when (< n 32)
    (probe-read-kernel b n 0)) ; ERROR 5: "the size that `probe-read-kernel` gets as argument 2 may be negative"
  0))
;;;; size-unbounded
(defprog p (:type :tracepoint :section "tracepoint/sched/sched_switch") (let ((b (struct-alloc 32)))
  (probe-read-kernel b (get-prandom-u32) 0) ; ERROR 3: "the size that `probe-read-kernel` gets as argument 2 may be negative"
  0))
;;;; size-stack
(defprog p () (let ((b (struct-alloc 32)))
  (ringbuf-output rb b (logand 63 (ctx rx-queue-index)) 0) ; ERROR 3: "`ringbuf-output` gets 63 bytes at offset 0 of `b` on the stack, which has 32 bytes"
  1))
;;;; size-stack-constant
(defprog p () (let ((b (struct-alloc 32)))
  (ringbuf-output rb (+ b 8) 32 0) ; ERROR 3: "`ringbuf-output` gets 32 bytes at offset 8 of `b` on the stack, which has 32 bytes"
  1))
;;;; size-value
(defprog p () (when-let ((v (map-lookup big 1)))
  (ringbuf-output rb v (logand 127 (ctx rx-queue-index)) 0)) ; ERROR 3: "`ringbuf-output` gets 127 bytes at offset 0 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; size-value-constant
(defprog p () (when-let ((v (map-lookup big 1)))
  (ringbuf-output rb v 65 0)) ; ERROR 3: "`ringbuf-output` gets 65 bytes at offset 0 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; size-packet
(defprog p () (with-packet (d e :min-len 20)
  (if (s> (csum-diff 0 0 d 24 0) 0) 1 2))) ; ERROR 11: "this gives packet data to `csum-diff` up to byte 24, and comparisons prove 20"
;;;; size-of-null
(defprog p () (let ((v (map-lookup big 1)))
  (if v
      1
      (if (s> (csum-diff v 4 0 0 0) 0) 1 2)))) ; ERROR 15: "`v` is null here, and `csum-diff` does not take null"
;;;; key-short
(defprog p () (when-let ((v (map-lookup big 1)))
  (when (map-lookup-ptr wide (+ v 60)) (return 2))) ; ERROR 9: "`map-lookup-elem` gets 8 bytes at offset 60 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-short
(defprog p () (let ((b (struct-alloc 8)))
  (when-let ((v (map-lookup big 1)))
    (map-update-ptr wide b (+ v 32) 0)) ; ERROR 5: "`map-update-elem` gets 40 bytes at offset 32 of `big`, which has 64 bytes"
  1))
;;;; packet-given
(defprog p () (with-packet (d e :min-len 20)
  (ringbuf-output rb d 20 0) ; ERROR 3: "`ringbuf-output` does not take a pointer to packet data"
  1))
;;;; packet-moved-given
(defprog p (:type :tc) (with-packet (d e :min-len 20)
  (skb-pull-data (ctx-ptr) 0)
  (when (map-lookup-ptr big d) (return 1)) ; ERROR 9: "this uses `d`, a pointer to packet data from before `skb-pull-data`, which may move the packet"
  0))
;;;; packet-variable-given
(defprog p () (with-packet (d e :min-len 40)
  (let ((k (+ d (logand 15 (load u8 d 0)))))
    (if (map-lookup-ptr big k) 1 2)))) ; ERROR 9: "this gives packet data to `map-lookup-elem` up to byte 4 behind `k`, whose offset is variable, and comparisons prove 0"
;;;; packet-read-only
(defprog p (:type :cgroup-skb) (with-packet (d e :min-len 20)
  (store u8 d 8 64) ; ERROR 3: "this writes packet data, which a cgroup-skb program only reads"
  1))
;;;; packet-atomic
(defprog p () (with-packet (d e :min-len 20)
  (atomic-add d 0 1) ; ERROR 3: "there are no atomic operations on packet data"
  1))
;;;; packet-far
(defprog p () (let* ((d (ctx data)) (q (+ d (ctx rx-queue-index))))
  (when (> (+ q 4) (ctx data-end)) (return 1))
  (load u32 q 0))) ; ERROR 3: "this reads or writes packet data at an offset that may be over 65535, where comparisons prove nothing"
;;;; packet-negative
(defprog p () (let* ((d (ctx data)) (q (+ d (cast i8 (ctx rx-queue-index)))))
  (when (> (+ q 4) (ctx data-end)) (return 1))
  (load u32 q 0))) ; ERROR 3: "this reads or writes packet data at an offset that may be negative: -128 or more"
;;;; packet-subtracted
(defprog p () (with-packet (d e :min-len 40)
  (load u8 (- (+ d 10) (logand 15 (ctx rx-queue-index))) 0))) ; ERROR 3: "this reads or writes packet data at an offset that may be negative: -15 or more"
;;;; packet-loop
(defprog p () (with-packet (d e :min-len 20)
  (let ((sum 0))
    (dotimes (i 21)
      (incf sum (load u8 (+ d i) 0))) ; ERROR 17: "this reads or writes packet data up to byte 21, and comparisons prove 20"
    (logand sum 1))))
;;;; packet-helper-size
(defprog p () (with-packet (d e :min-len 20)
  (if (s> (csum-diff 0 0 d (* 4 (logand 7 (ctx rx-queue-index))) 0) 0) 1 2))) ; ERROR 11: "this gives packet data to `csum-diff` up to byte 28, and comparisons prove 20"
;;;; packet-end-moved
(defprog p () (let ((d (ctx data)) (e (ctx data-end)))
  (if (> d (- e 14)) 1 2))) ; ERROR 12: "this moves a pointer to the end of the packet, which stays where it is"
;;;; context-moved
(defprog p (:type :tc) (let ((b (struct-alloc 16)))
  (skb-load-bytes (+ (ctx-ptr) 4) 0 b 16) ; ERROR 3: "`skb-load-bytes` gets a pointer into the context, and wants its start"
  0))
;;;; read-only-update
(defprog p ()
  (setf (getmap ro 1) 2) ; ERROR 3: "this writes to the map `ro`, which programs only read"
  1)
;;;; read-only-delete
(defprog p ()
  (remmap ro 1) ; ERROR 3: "this writes to the map `ro`, which programs only read"
  1)
;;;; read-only-store
(defprog p () (when-let ((v (map-lookup ro 1)))
  (store u64 v 0 1)) ; ERROR 3: "this writes to the map `ro`, which programs only read"
  1)
;;;; read-only-atomic
(defprog p () (when-let ((v (map-lookup ro 1)))
  (atomic-add v 0 1)) ; ERROR 3: "this writes to the map `ro`, which programs only read"
  1)
;;;; read-only-push
(defprog p ()
  (map-push q 1) ; ERROR 3: "this writes to the map `q`, which programs only read"
  1)
;;;; read-only-argument
(defprog p (:type :tracepoint :section "tracepoint/sched/sched_switch") (when-let ((v (map-lookup ro 1)))
  (get-current-comm v 8)) ; ERROR 3: "this writes to the map `ro`, which programs only read"
  0)
;;;; write-only
(defprog p ()
  (getmap wo 1)) ; ERROR 3: "this reads from the map `wo`, which programs only write"
;;;; write-only-argument
(defprog p () (when-let ((v (map-lookup wo 1)))
  (ringbuf-output rb v 8 0)) ; ERROR 3: "this reads from the map `wo`, which programs only write"
  1)
;;;; result-cgroup
(defprog p (:type :cgroup-sock :section "cgroup/sock_create")
  (logand 3 (ctx mark))) ; ERROR 3: "the result may be 0 to 3, and a program in the section cgroup/sock_create gives 0 to 1"
;;;; result-ingress
(defprog p (:type :cgroup-skb :section "cgroup_skb/ingress")
  (logand 3 (ctx mark))) ; ERROR 3: "the result may be 0 to 3, and a program in the section cgroup_skb/ingress gives 0 to 1"
;;;; result-egress
(defprog p (:type :cgroup-skb :section "cgroup_skb/egress")
  (logand 7 (ctx mark))) ; ERROR 3: "the result may be 0 to 7, and a program in the section cgroup_skb/egress gives 0 to 3"
;;;; result-unknown
(defprog p (:type :cgroup-sock :section "cgroup/sock_create")
  (mod (ctx mark) 3)) ; ERROR 3: "the result may be any number, and a program in the section cgroup/sock_create gives 0 to 1"
;;;; result-one-way
(defprog p (:type :cgroup-skb :section "cgroup_skb/ingress")
  (if (= (ctx mark) 5) (return (logand 2 (ctx len))) 1) ; ERROR 24: "the result may be 0 to 2, and a program in the section cgroup_skb/ingress gives 0 to 1"
  1)
;;;; result-lookup
(defprog p (:type :sk-lookup)
  (logand 3 (ctx local-port))) ; ERROR 3: "the result may be 0 to 3, and a program in the section sk_lookup gives 0 to 1"
