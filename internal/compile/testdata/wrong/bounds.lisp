; Memory of known size, and what is known of offsets into it.
(defstruct st (a u64) (b u32) (c u32) (d (array u8 16)))
(defmap big :type :hash :key u32 :value (array u8 64) :max-entries 4)
(defmap sts :type :hash :key u32 :value st :max-entries 4)
(defmap arr :type :array :key u32 :value u64 :max-entries 4)
(defmap rb :type :ringbuf :max-entries 4096)
;;;; value-constant
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 v 64))) ; ERROR 11: "this reads 1 byte at offset 64 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-before
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 v -1))) ; ERROR 11: "this reads 1 byte at offset -1 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-across
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u64 v 60))) ; ERROR 11: "this reads 8 bytes at offset 60 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-write
(defprog p () (when-let ((v (map-lookup arr 1)))
  (store u64 v 8 1)) ; ERROR 3: "this writes 8 bytes at offset 8 of `v`, a value of `arr`, which has 8 bytes"
  1)
;;;; value-unbounded
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (ctx rx-queue-index)) 0))) ; ERROR 11: "this reads 1 byte at an offset that may be 0 or any larger number of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-mask
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (logand 127 (ctx rx-queue-index))) 0))) ; ERROR 11: "this reads 1 byte at an offset that may be 0 to 127 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-mask-wide
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u32 (+ v (logand 63 (ctx rx-queue-index))) 0))) ; ERROR 11: "this reads 4 bytes at an offset that may be 0 to 63 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-compared
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i (ctx rx-queue-index)))
    (when (<= i 64)
      (return (load u8 (+ v i) 0))))) ; ERROR 15: "this reads 1 byte at an offset that may be 0 to 64 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-signed
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i i32 (ctx rx-queue-index)))
    (when (< i 64)
      (return (load u8 (+ v i) 0))))) ; ERROR 24: "this moves a pointer to a map value by a number that may be any number up to 63"
  1)
;;;; value-signed-small
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i i16 (ctx rx-queue-index)))
    (when (< i 64)
      (return (load u8 (+ v i) 0))))) ; ERROR 15: "this reads 1 byte at an offset that may be -32768 or any larger number of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-other-tested
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i (get-prandom-u32)) (k (get-prandom-u32)))
    (when (< k 64)
      (return (load u8 (+ v i) 0))))) ; ERROR 24: "this moves a pointer to a map value by a number that may be any number"
  1)
;;;; value-sum
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i (logand 31 (ctx rx-queue-index))) (k (logand 63 (ctx ingress-ifindex))))
    (return (load u8 (+ (+ v i) k) 0)))) ; ERROR 13: "this reads 1 byte at an offset that may be 0 to 94 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-scaled
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u64 (+ v (* 8 (logand 15 (ctx rx-queue-index)))) 0))) ; ERROR 11: "this reads 8 bytes at an offset that may be 0 to 120 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-field
(defprog p () (when-let ((v (map-lookup sts 1)))
  (return (st-d v (ctx rx-queue-index)))) ; ERROR 11: "this reads 1 byte at an offset that may be 16 or any larger number of `v`, a value of `sts`, which has 32 bytes"
  1)
;;;; value-minus
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (- (+ v 8) (logand 15 (ctx rx-queue-index))) 0))) ; ERROR 11: "this reads 1 byte at an offset that may be -7 or any larger number of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-loop
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((sum 0))
    (dotimes (i 65)
      (incf sum (load u8 (+ v i) 0))) ; ERROR 17: "this reads 1 byte at offset 64 of `v`, a value of `big`, which has 64 bytes"
    (return sum)))
  1)
;;;; value-memcpy
(defprog p () (let ((b (struct-alloc 48)))
  (when-let ((v (map-lookup big 1)))
    (memcpy v 32 b 0 48) ; ERROR 5: "this writes 8 bytes at offset 64 of `v`, a value of `big`, which has 64 bytes"
    (return (load u8 v 3))))
  1)
;;;; value-both-ways
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i 5))
    (when (> (get-prandom-u32) 7) (setf i 70))
    (return (load u8 (+ v i) 0)))) ; ERROR 13: "this reads 1 byte at offset 70 of `v`, a value of `big`, which has 64 bytes"
  1)
;;;; value-from-memory
(defprog p () (when-let ((v (map-lookup sts 1)))
  (return (st-d v (st-b v)))) ; ERROR 11: "this reads 1 byte at an offset that may be 16 or any larger number of `v`, a value of `sts`, which has 32 bytes"
  1)
;;;; record-constant
(defprog p () (with-ringbuf (e rb 16)
  (store u64 e 16 1)) ; ERROR 3: "this writes 8 bytes at offset 16 of the record `e`, which has 16 bytes"
  1)
;;;; record-variable
(defprog p () (with-ringbuf (e rb 16)
  (store u8 (+ e (logand 31 (ctx rx-queue-index))) 0 1)) ; ERROR 3: "this writes 1 byte at an offset that may be 0 to 31 of the record `e`, which has 16 bytes"
  1)
;;;; dynptr-slice
(defprog p () (let ((d (struct-alloc 16)))
  (ringbuf-reserve-dynptr rb 16 0 d)
  (when-let ((q (dynptr-data d 0 8)))
    (store u64 q 8 1)) ; ERROR 5: "this writes 8 bytes at offset 8 of `q`, which has 8 bytes"
  (ringbuf-submit-dynptr d 0))
  1)
;;;; offset-unbounded
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (ktime-get-ns)) 0))) ; ERROR 20: "this moves a pointer to a map value by a number that may be any number"
  1)
;;;; offset-remainder
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (mod (ctx rx-queue-index) 60)) 0))) ; ERROR 20: "this moves a pointer to a map value by a number that may be any number"
  1)
;;;; offset-negative
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i i64 (ktime-get-ns)))
    (when (s< i 10)
      (return (load u8 (+ v i) 0))))) ; ERROR 24: "this moves a pointer to a map value by a number that may be any number up to 9"
  1)
;;;; offset-huge
(defprog p () (when-let ((v (map-lookup big 1)))
  (let ((i (<< (logior 1 (logand 3 (ctx rx-queue-index))) 30)))
    (return (load u8 (+ v i) 0)))) ; ERROR 22: "this moves a pointer to a map value by a number that may be 1073741824 or any larger number"
  1)
;;;; stack-constant
(defprog p () (let ((b (struct-alloc 16)))
  (store u8 b 16 1) ; ERROR 3: "this writes 1 byte at offset 16 of `b` on the stack, which has 16 bytes"
  (load u8 b 0)))
;;;; stack-variable-write
(defprog p () (let ((b (struct-alloc 16)))
  (store u8 (+ b (logand 31 (ctx rx-queue-index))) 0 1) ; ERROR 3: "this writes 1 byte at an offset that may be 0 to 31 of `b` on the stack, which has 16 bytes"
  (load u8 b 0)))
;;;; stack-variable-read
(defprog p () (let ((b (struct-alloc 16)))
  (store u8 b 3 (ctx ingress-ifindex))
  (load u8 (+ b (logand 31 (ctx rx-queue-index))) 0))) ; ERROR 3: "this reads 1 byte at an offset that may be 0 to 31 of `b` on the stack, which has 16 bytes"
;;;; stack-unbounded
(defprog p () (let ((b (struct-alloc 16)))
  (store u8 (+ b (ctx rx-queue-index)) 0 1) ; ERROR 3: "this writes 1 byte at an offset that may be 0 or any larger number of `b` on the stack, which has 16 bytes"
  (load u8 b 0)))
;;;; stack-minus
(defprog p () (let ((b (struct-alloc 16)))
  (store u8 b 3 (ctx ingress-ifindex))
  (load u8 (- (+ b 15) (logand 15 (ctx rx-queue-index))) 0))) ; ERROR 12: "this subtracts a variable number from a pointer to the stack"
;;;; stack-misaligned
(defprog p () (let ((b (struct-alloc 16)))
  (store u32 b 2 (ctx rx-queue-index)) ; ERROR 3: "this accesses 4 bytes at a place that is no multiple of 4"
  (load u8 b 3)))
;;;; stack-misaligned-variable
(defprog p () (let ((b (struct-alloc 16)))
  (store u32 (+ b (logand 7 (ctx rx-queue-index))) 0 1) ; ERROR 3: "this accesses 4 bytes at a place that may be no multiple of 4"
  (load u8 b 3)))
;;;; atomic-misaligned
(defprog p () (when-let ((v (map-lookup big 1)))
  (atomic-add v 4 1)) ; ERROR 3: "this accesses 8 bytes at a place that is no multiple of 8"
  1)
;;;; atomic-outside
(defprog p () (when-let ((v (map-lookup arr 1)))
  (atomic-add v 8 1)) ; ERROR 3: "this writes 8 bytes at offset 8 of `v`, a value of `arr`, which has 8 bytes"
  1)
;;;; null-moved
(defprog p () (let ((v (map-lookup big 1)))
  (when (not v)
    (return (load u8 (+ v (logand 7 (ctx rx-queue-index))) 0))) ; ERROR 13: "`v` is null here"
  1))
;;;; variable
(defglobal table (array u32 8))
(defprog p ()
  (aref table (logand 15 (ctx rx-queue-index)))) ; ERROR 3: "this reads 4 bytes at an offset that may be 0 to 60 of `table`, which has 32 bytes"
;;;; local-array
(defprog p () (let ((a (array u32 8)))
  (setf (aref a (logand 15 (ctx rx-queue-index))) 1) ; ERROR 3: "this writes 4 bytes at an offset that may be 0 to 60 of `a` on the stack, which has 32 bytes"
  (aref a 3)))
;;;; per-cpu
(defmap pc :type :percpu-array :key u32 :value st :max-entries 4)
(defprog p () (when-let ((v (getmap pc 1)))
  (return (st-d v (logand 31 (ctx rx-queue-index))))) ; ERROR 11: "this reads 1 byte at an offset that may be 16 to 47 of `v`, a value of `pc`, which has 32 bytes"
  1)
;;;; callback
(defprog p () (let ((n 0))
  (bpf-loop (i 10)
    (when-let ((v (map-lookup big i)))
      (incf n (load u8 (+ v i) 0)))) ; ERROR 15: "this reads 1 byte at an offset that may be 0 or any larger number of `v`, a value of `big`, which has 64 bytes"
  n))
;;;; of-a-subprogram
(defsubprog f ((i u32)) u32 (:global t) (logand i 7))
(defprog p () (when-let ((v (map-lookup big 1)))
  (return (load u8 (+ v (f 3)) 0))) ; ERROR 20: "by a number that may be any number"
  1)
;;;; paths-count
(defprog p () (let ((n 0))
  (when-let ((v (map-lookup big 1)))
    (dotimes (i 40)
      (when (= 77 (load u8 (+ v i))) ; ERROR 13: "there are too many paths through this program: the verifier gives up after a million instructions"
        (setmap arr 0 1)
        (incf n))))
  (if (= n 6) 1 2)))
;;;; paths-turns
(defprog p ()
  (when-let ((v (map-lookup big 1)))
    (dotimes (i 300000) ; ERROR 5: "this program is too long for the verifier, which gives up after a million instructions"
      (store u8 (+ v (logand i 63)) 0 i)))
  1)
;;;; paths-entries
(defprog p ()
  (let ((n 0))
    (for-each-map-elem (k v arr) (incf n) 0) ; ERROR 5: "again for every value"
    (if (> n 5) 1 2)))
;;;; paths-zero
(defprog p ()
  (let ((n (ctx rx-queue-index)))
    (for-each-map-elem (k v arr) (incf n (logand 1 v)) 0) ; ERROR 5: "again for every value"
    (remmap big (logand 7 (<< (mod 1000 n) 4)))
    1))
;;;; paths-zero-key
(defprog p ()
  (let ((n (logand 7 (ctx rx-queue-index))))
    (for-each-map-elem (k v arr) (decf n) 0) ; ERROR 5: "again for every value"
    (remmap big (logand 7 (<< n 4)))
    1))
;;;; paths-zero-somewhere
(defprog p ()
  (let ((n (logand 7 (ctx rx-queue-index))) (a (array u32 8)))
    (for-each-map-elem (k v arr) (decf n) 0) ; ERROR 5: "again for every value"
    (setf (aref a (logand 7 (ctx ingress-ifindex))) (logand 7 (<< n 4)))
    (aref a 3)))
;;;; paths-callback
(defprog p ()
  (let ((n 0))
    (bpf-loop (i (ctx rx-queue-index)) (incf n) (when (> n 50) (return 1))) ; ERROR 5: "again for every value"
    2))
;;;; paths-wait
(defprog p ()
  (let ((n 0))
    (bpf-loop (i 9000) ; ERROR 5: "again for every value"
      (when (= i 3) (incf (getmap arr 1)))
      (incf n))
    (if (> n 3) 1 2)))
;;;; paths-callback-in-a-loop
(defprog p ()
  (let ((n 0))
    (dotimes (j 50)
      (for-each-map-elem (k v arr) ; ERROR 7: "again for every value"
        (when (> v 3) (incf n))
        0))
    (setf (getmap arr 1) n)
    1))
