; Packet accesses that no comparison covers, and packet pointers that a helper makes stale.
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
;;;; key: ask for 8 bytes
(defprog p () (with-packet (data end :min-len 8)
  (if (map-lookup-ptr h (+ data 4)) 1 2))) ; was: gives packet data to `map-lookup-elem` up to byte 8, and comparisons prove 6
;;;; length-compared: compare with the end of the packet first
(defprog p () (let ((data (ctx data)) (end (ctx data-end)))
  (if (>= (- end data) 14)
      (if (<= (+ data 1) end) (load u8 data 0) XDP_PASS) ; was: comparisons prove 0
      1)))
;;;; moved: ask for 22 bytes
(defprog p () (with-packet (data end :min-len 22)
  (let ((q (+ data 14)))
    (load u64 q 0)))) ; was: up to byte 22, and comparisons prove 20
;;;; off-by-one: compare 10 bytes
(defprog p () (let ((data (ctx data)) (end (ctx data-end)))
  (if (<= end (+ data 10)) (return 1))
  (load u16 data 8))) ; was: up to byte 10, and comparisons prove 9
;;;; one-path: compare with the end of the packet first
(defprog p () (let ((data (ctx data)) (end (ctx data-end)) (n (ctx rx-queue-index)))
  (when (= n 1)
    (when (> (+ data 34) end) (return 1)))
  (if (<= (+ data 21) end) (load u8 data 20) XDP_PASS))) ; was: up to byte 21, and comparisons prove 0
;;;; short: ask for 16 bytes
(defprog p () (with-packet (data end :min-len 16)
  (load u32 data 12))) ; was: up to byte 16, and comparisons prove 14
;;;; stale: read the pointers again
(defprog p (:type :tc) (with-packet (data end :min-len 14)
  (skb-pull-data (ctx-ptr) 34)
  (with-packet (data end :min-len 14) (load u8 data 0)))) ; was: from before `skb-pull-data`
;;;; stale-end: compare with the end of the packet first
(defprog p (:type :tc) (let ((end (ctx data-end)))
  (skb-pull-data (ctx-ptr) 34)
  (let ((data (ctx data)))
    (when (> (+ data 14) end) (return 0))
    (if (<= (+ data 1) (ctx data-end)) (load u8 data 0) TC_ACT_OK)))) ; was: comparisons prove 0
;;;; stale-xdp: read the pointers again
(defprog p () (with-packet (data end :min-len 14)
  (when (xdp-adjust-head (ctx-ptr) -4) (return 1))
  (with-packet (data end :min-len 14) (store u8 data 0 1)) ; was: from before `xdp-adjust-head`
  2))
;;;; unchecked: compare with the end of the packet first
(defprog p () (if (<= (+ (ctx data) 1) (ctx data-end)) (load u8 (ctx data) 0) XDP_PASS)) ; was: up to byte 1, and comparisons prove 0
;;;; variable: compare with the end of the packet first
(defprog p () (with-packet (data end :min-len 64)
  (let ((q (+ data (logand 31 (load u8 data 14)))))
    (if (<= (+ q 1) end) (load u8 q 0) XDP_PASS)))) ; was: this reads or writes packet data up to byte 1 behind `q`, whose offset is variable, and comparisons prove 0
;;;; variable-short: compare with the end of the packet first
(defprog p () (with-packet (data end :min-len 64)
  (let ((q (+ data (logand 31 (load u8 data 14)))))
    (when (> (+ q 4) end) (return 1))
    (if (<= (+ q 8) end) (load u32 q 4) XDP_PASS)))) ; was: this reads or writes packet data up to byte 8 behind `q`, whose offset is variable, and comparisons prove 4
;;;; write: ask for 7 bytes
(defprog p () (with-packet (data end :min-len 7)
  (store u8 data 6 1) ; was: up to byte 7
  1))
;;;; wrong-branch: compare with the end of the packet first
(defprog p () (let ((data (ctx data)) (end (ctx data-end)))
  (if (> (+ data 14) end)
      (if (<= (+ data 1) end) (load u8 data 0) XDP_PASS) ; was: up to byte 1
      1)))
