(defmap bad1 :type :hsh :key-size 4 :value-size 8 :max-entries 16) ; ERROR 20: "unknown map type"
(defmap bad2 :type :ringbuf :max-entries 1000) ; ERROR 42: "ring buffer of 1000 bytes"
(defmap bad3 :type :hash :key-size 4 :value-size 8 :max-entries -10) ; ERROR 65: "max-entries is -10"
(defmap bad4 :type :hash :key-size 4 :value-size 8) ; ERROR 9: "no :max-entries"
(defmap bad5 :type :array :key-size 8 :value-size 8 :max-entries 1) ; ERROR 37: "key of 8 bytes"
(defmap bad6 :type :hash :key nosuch :value u64 :max-entries 1) ; ERROR 31: "unknown type `nosuch`"
(defmap bad7 :type :hash :key u32 :value u64 :max-entrys 1) ; ERROR 46: "unknown keyword `:max-entrys`"
(defmap bad8 :type :hash :key u32 :value u64 :max-entries 1 :map-flags BPF_F_NO_PREALOC) ; ERROR 72: "unknown flag"
(defmap ok :type :hash :key u32 :value u64 :max-entries 1)
(defmap ok :type :hash :key u32 :value u64 :max-entries 1) ; ERROR 9: "declared twice"
(defmap o-k :type :hash :key u32 :value u64 :max-entries 1)
(defmap o_k :type :hash :key u32 :value u64 :max-entries 1) ; ERROR 9: "same name `o_k`"
(defstruct s (a u32) (a u64)) ; ERROR 23: "declared twice"
(defstruct t2 (a (array u8 0))) ; ERROR 18: "cannot have 0 elements"
(defstruct u32 (a u8)) ; ERROR 12: "scalar type"
(defprog p1 (:type :xpd) 1) ; ERROR 20: "unknown program type"
(defprog p2 (:section "xpd") 1) ; ERROR 23: "unknown section"
(defprog p3 (:type :xdp :section "tc") 1) ; ERROR 34: "means a tc program"
(defprog p4 (:type :xdp)) ; ERROR 1: "has no body"
(defprog ok2 (:type :xdp) 1)
(defprog ok2 (:type :xdp) 1) ; ERROR 10: "declared twice"
(deftracepoint sched/sched_wakeup pid nosuch) ; ERROR 39: "has no field `nosuch`"
(deftracepoint sched/sched_wakeup file pid)
(defprog texts (:type :tracepoint :section "tracepoint/sched/sched_wakeup")
  (let ((b (array u8 16)) (n (get-prandom-u32)))
    (tp-file-str b 17) ; ERROR 20: "a text of up to 17 bytes"
    (tp-file-str b 0) ; ERROR 20: "a text of up to 0 bytes"
    (tp-file-str) ; ERROR 5: "`tp-file-str` got 0 arguments"
    (tp-file-str 5 1) ; ERROR 18: "wants a pointer"
    (tp-pid-str b) ; ERROR 6: "unknown form `tp-pid-str`"
    (tp-file-str b n))
  0)
(defprog texts2 (:type :xdp)
  (let ((b (array u8 16)))
    (tp-file-str b) ; ERROR 5: "`tp-file-str` belongs in tracepoint programs"
    1))
(deftracepoint sched/nosuch pid) ; ERROR 16: "cannot be read"
(defconstant +n+ (undefined-function 3)) ; ERROR "undefined-function"
(defmap big :type :hash :key u32 :value u64 :max-entries #x1ffffffffffffffff) ; ERROR 58: "64 bits"
