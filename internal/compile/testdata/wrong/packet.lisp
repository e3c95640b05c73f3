; Packet accesses that no comparison covers, and packet pointers that a helper makes stale.
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
;;;; unchecked
(defprog p () (load u8 (ctx data) 0)) ; ERROR 15: "up to byte 1, and comparisons prove 0"
;;;; short
(defprog p () (with-packet (data end :min-len 14)
  (load u32 data 12))) ; ERROR 3: "up to byte 16, and comparisons prove 14"
;;;; wrong-branch
(defprog p () (let ((data (ctx data)) (end (ctx data-end)))
  (if (> (+ data 14) end)
      (load u8 data 0) ; ERROR 7: "up to byte 1"
      1)))
;;;; off-by-one
(defprog p () (let ((data (ctx data)) (end (ctx data-end)))
  (if (<= end (+ data 8)) (return 1))
  (load u16 data 8))) ; ERROR 3: "up to byte 10, and comparisons prove 9"
;;;; negative
(defprog p () (with-packet (data end :min-len 14)
  (load u8 (- data 1) 0))) ; ERROR 3: "before its start"
;;;; moved
(defprog p () (with-packet (data end :min-len 20)
  (let ((q (+ data 14)))
    (load u64 q 0)))) ; ERROR 5: "up to byte 22, and comparisons prove 20"
;;;; length-compared
(defprog p () (let ((data (ctx data)) (end (ctx data-end)))
  (if (>= (- end data) 14)
      (load u8 data 0) ; ERROR 7: "comparisons prove 0"
      1)))
;;;; variable
(defprog p () (with-packet (data end :min-len 64)
  (let ((q (+ data (logand 31 (load u8 data 14)))))
    (load u8 q 0)))) ; ERROR 5: "this reads or writes packet data up to byte 1 behind `q`, whose offset is variable, and comparisons prove 0"
;;;; variable-short
(defprog p () (with-packet (data end :min-len 64)
  (let ((q (+ data (logand 31 (load u8 data 14)))))
    (when (> (+ q 4) end) (return 1))
    (load u32 q 4)))) ; ERROR 5: "this reads or writes packet data up to byte 8 behind `q`, whose offset is variable, and comparisons prove 4"
;;;; write
(defprog p () (with-packet (data end :min-len 6)
  (store u8 data 6 1) ; ERROR 3: "up to byte 7"
  1))
;;;; one-path
(defprog p () (let ((data (ctx data)) (end (ctx data-end)) (n (ctx rx-queue-index)))
  (when (= n 1)
    (when (> (+ data 34) end) (return 1)))
  (load u8 data 20))) ; ERROR 3: "up to byte 21, and comparisons prove 0"
;;;; key
(defprog p () (with-packet (data end :min-len 6)
  (if (map-lookup-ptr h (+ data 4)) 1 2))) ; ERROR 7: "gives packet data to `map-lookup-elem` up to byte 8, and comparisons prove 6"
;;;; stale
(defprog p (:type :tc) (with-packet (data end :min-len 14)
  (skb-pull-data (ctx-ptr) 34)
  (load u8 data 0))) ; ERROR 3: "from before `skb-pull-data`"
;;;; stale-xdp
(defprog p () (with-packet (data end :min-len 14)
  (when (xdp-adjust-head (ctx-ptr) -4) (return 1))
  (store u8 data 0 1) ; ERROR 3: "from before `xdp-adjust-head`"
  2))
;;;; stale-end
(defprog p (:type :tc) (let ((end (ctx data-end)))
  (skb-pull-data (ctx-ptr) 34)
  (let ((data (ctx data)))
    (when (> (+ data 14) end) (return 0))
    (load u8 data 0)))) ; ERROR 5: "comparisons prove 0"
