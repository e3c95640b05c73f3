; Memory of known size, and what is known of offsets into it.
(defstruct st (a u64) (b u32) (c u32) (d (array u8 16)))
(defmap big :type :hash :key u32 :value (array u8 64) :max-entries 4)
(defmap sts :type :hash :key u32 :value st :max-entries 4)
(defmap arr :type :array :key u32 :value u64 :max-entries 4)
(defmap rb :type :ringbuf :max-entries 4096)
;;;; callback: mask `i`
(defprog p () (let ((n 0))
  (bpf-loop (i 10)
    (when-let ((v (map-lookup big i)))
      (incf n (load u8 (+ v (logand i 63)) 0)))) ; was: this reads 1 byte at an offset that may be 0 or any larger number of `v`, a value of `big`, which has 64 bytes
  n))
;;;; local-array: a mask that fits: 7
(defprog p () (let ((a (array u32 8)))
  (setf (aref a (logand 7 (ctx rx-queue-index))) 1) ; was: this writes 4 bytes at an offset that may be 0 to 60 of `a` on the stack, which has 32 bytes
  (aref a 3)))
;;;; null-moved: test `v` first
(defprog p () (let ((v (map-lookup big 1)))
  (when (not v)
    (return (if v (load u8 (+ v (logand 7 (ctx rx-queue-index))) 0) XDP_PASS))) ; was: `v` is null here
  1))
;;;; of-a-subprogram: mask `(f 3)`
(defsubprog f ((i u32)) u32 (:global t) (logand i 7))
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (logand (f 3) 63)) 0))) ; was: by a number that may be any number
  1)
;;;; offset-huge: mask `i`
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i (<< (logior 1 (logand 3 (ctx rx-queue-index))) 30)))
    (return (load u8 (+ v (logand i 4095)) 0)))) ; was: this moves a pointer to a map value by a number that may be 1073741824 or any larger number
  1)
;;;; offset-negative: mask `i`
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i i64 (ktime-get-ns)))
    (when (s< i 10)
      (return (load u8 (+ v (logand i 63)) 0))))) ; was: this moves a pointer to a map value by a number that may be any number up to 9
  1)
;;;; offset-remainder: mask `(mod (ctx rx-queue-index) 60)`
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (logand (mod (ctx rx-queue-index) 60) 63)) 0))) ; was: this moves a pointer to a map value by a number that may be any number
  1)
;;;; offset-unbounded: mask `(ktime-get-ns)`
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (logand (ktime-get-ns) 63)) 0))) ; was: this moves a pointer to a map value by a number that may be any number
  1)
;;;; per-cpu: a mask that fits: 15
(defmap pc :type :percpu-array :key u32 :value st :max-entries 4)
(defprog p () (when-let ((v (getmap pc 1)))
  (return (st-d v (logand 15 (ctx rx-queue-index))))) ; was: this reads 1 byte at an offset that may be 16 to 47 of `v`, a value of `pc`, which has 32 bytes
  1)
;;;; record-variable: a mask that fits: 15
(defprog p () (with-ringbuf (e rb 16)
  (store u8 (+ e (logand 15 (ctx rx-queue-index))) 0 1)) ; was: this writes 1 byte at an offset that may be 0 to 31 of the record `e`, which has 16 bytes
  1)
;;;; stack-minus: compute the offset first
(defprog p () (let ((b (struct-alloc 16)))
  (store u8 b 3 (ctx ingress-ifindex))
  (load u8 (+ b (- 15 (logand 15 (ctx rx-queue-index)))) 0))) ; was: this subtracts a variable number from a pointer to the stack
;;;; stack-misaligned-variable: a mask of multiples of 4
(defprog p () (let ((b (struct-alloc 16)))
  (store u32 (+ b (logand 4 (ctx rx-queue-index))) 0 1) ; was: this accesses 4 bytes at a place that may be no multiple of 4
  (load u8 b 3)))
;;;; stack-unbounded: mask `(ctx rx-queue-index)`
(defprog p () (let ((b (struct-alloc 16)))
  (store u8 (+ b (logand (ctx rx-queue-index) 15)) 0 1) ; was: this writes 1 byte at an offset that may be 0 or any larger number of `b` on the stack, which has 16 bytes
  (load u8 b 0)))
;;;; stack-variable-read: a mask that fits: 15
(defprog p () (let ((b (struct-alloc 16)))
  (store u8 b 3 (ctx ingress-ifindex))
  (load u8 (+ b (logand 15 (ctx rx-queue-index))) 0))) ; was: this reads 1 byte at an offset that may be 0 to 31 of `b` on the stack, which has 16 bytes
;;;; stack-variable-write: a mask that fits: 15
(defprog p () (let ((b (struct-alloc 16)))
  (store u8 (+ b (logand 15 (ctx rx-queue-index))) 0 1) ; was: this writes 1 byte at an offset that may be 0 to 31 of `b` on the stack, which has 16 bytes
  (load u8 b 0)))
;;;; value-both-ways: mask `i`
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i 5))
    (when (> (get-prandom-u32) 7) (setf i 70))
    (return (load u8 (+ v (logand i 63)) 0)))) ; was: this reads 1 byte at offset 70 of `v`, a value of `big`, which has 64 bytes
  1)
;;;; value-compared: compare with the size
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i (ctx rx-queue-index)))
    (when (<= i 63)
      (return (load u8 (+ v i) 0))))) ; was: this reads 1 byte at an offset that may be 0 to 64 of `v`, a value of `big`, which has 64 bytes
  1)
;;;; value-field: mask `(ctx rx-queue-index)`
(defprog p () (when-let ((v (map-lookup sts 1)))
  (return (st-d v (logand (ctx rx-queue-index) 15)))) ; was: this reads 1 byte at an offset that may be 16 or any larger number of `v`, a value of `sts`, which has 32 bytes
  1)
;;;; value-from-memory: mask `(st-b v)`
(defprog p () (when-let ((v (map-lookup sts 1)))
  (return (st-d v (logand (st-b v) 15)))) ; was: this reads 1 byte at an offset that may be 16 or any larger number of `v`, a value of `sts`, which has 32 bytes
  1)
;;;; value-loop: 64 turns
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((sum 0))
    (dotimes (i 64)
      (incf sum (load u8 (+ v i) 0))) ; was: this reads 1 byte at offset 64 of `v`, a value of `big`, which has 64 bytes
    (return sum)))
  1)
;;;; value-mask: a mask that fits: 63
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (logand 63 (ctx rx-queue-index))) 0))) ; was: this reads 1 byte at an offset that may be 0 to 127 of `v`, a value of `big`, which has 64 bytes
  1)
;;;; value-mask-wide: a mask that fits: 31
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u32 (+ v (logand 31 (ctx rx-queue-index))) 0))) ; was: this reads 4 bytes at an offset that may be 0 to 63 of `v`, a value of `big`, which has 64 bytes
  1)
;;;; value-minus: compute the offset first
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (- 8 (logand (logand 15 (ctx rx-queue-index)) 7))) 0))) ; was: this reads 1 byte at an offset that may be -7 or any larger number of `v`, a value of `big`, which has 64 bytes
  1)
;;;; value-other-tested: mask `i`
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i (get-prandom-u32)) (k (get-prandom-u32)))
    (when (< k 64)
      (return (load u8 (+ v (logand i 63)) 0))))) ; was: this moves a pointer to a map value by a number that may be any number
  1)
;;;; value-scaled: a mask that fits: 7
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u64 (+ v (* 8 (logand 7 (ctx rx-queue-index)))) 0))) ; was: this reads 8 bytes at an offset that may be 0 to 120 of `v`, a value of `big`, which has 64 bytes
  1)
;;;; value-signed: mask `i`
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i i32 (ctx rx-queue-index)))
    (when (< i 64)
      (return (load u8 (+ v (logand i 63)) 0))))) ; was: this moves a pointer to a map value by a number that may be any number up to 63
  1)
;;;; value-signed-small: mask `i`
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i i16 (ctx rx-queue-index)))
    (when (< i 64)
      (return (load u8 (+ v (logand i 63)) 0))))) ; was: this reads 1 byte at an offset that may be -32768 or any larger number of `v`, a value of `big`, which has 64 bytes
  1)
;;;; value-sum: a mask that fits: 31
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i (logand 31 (ctx rx-queue-index))) (k (logand 31 (ctx ingress-ifindex))))
    (return (load u8 (+ (+ v i) k) 0)))) ; was: this reads 1 byte at an offset that may be 0 to 94 of `v`, a value of `big`, which has 64 bytes
  1)
;;;; value-unbounded: mask `(ctx rx-queue-index)`
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (logand (ctx rx-queue-index) 63)) 0))) ; was: this reads 1 byte at an offset that may be 0 or any larger number of `v`, a value of `big`, which has 64 bytes
  1)
;;;; variable: a mask that fits: 7
(defglobal table (array u32 8))
(defprog p ()
  (aref table (logand 7 (ctx rx-queue-index)))) ; was: this reads 4 bytes at an offset that may be 0 to 60 of `table`, which has 32 bytes
