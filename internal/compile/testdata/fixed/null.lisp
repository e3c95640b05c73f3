; Pointers that may be null. What stands before the first ;;;; belongs to every case.
(defstruct st (a u64) (b u32) (c u32))
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
(defmap s :type :hash :key u32 :value st :max-entries 8)
(defmap arr :type :array :key u32 :value u64 :max-entries 4)
(defmap rb :type :ringbuf :max-entries 4096)
;;;; after-the-test: test `v` first
(defprog p () (let ((v (map-lookup h 1)) (n 0))
  (when v (setf n (load u64 v 0)))
  (+ n (if v (load u64 v 0) 0)))) ; was: null
;;;; arithmetic: test `v` first
(defprog p () (with-packet (data end :min-len 20)
  (let* ((v (map-lookup s 1)) (w (if v (+ v (logand 8 (load u32 data 0))) 0))) ; was: arithmetic on `v`, which may be null here: the lookup at 63:13 can miss
    (when v (return (load u32 w 0)))
    0)))
;;;; array-variable-index: test `v` first
(defprog p () (with-packet (data end :min-len 20)
  (let ((v (map-lookup arr (load u32 data 4))))
    (if v (load u64 v 0) XDP_PASS)))) ; was: may be null
;;;; atomic: test `v` first
(defprog p () (let ((v (map-lookup h 1)))
  (when v (atomic-add v 0 1)) ; was: may be null
  0))
;;;; context-socket: test the pointer first
(defprog p (:type :tc) (let ((f (if-let ((p2 (ctx sk))) (sk-fullsock p2) 0))) ; was: `sk-fullsock` does not take null
  (if f 1 0)))
;;;; field: test `v` first
(defprog p () (let ((v (getmap s 1)))
  (if v (st-b v) XDP_PASS))) ; was: `v` is null here
;;;; flag: turn the test round
(defprog p () (let ((v (map-lookup h 1)) (ok 0))
  (unless v (setf ok 1))
  (unless ok (return (load u64 v 0))) ; was: null here
  0))
;;;; helper: test `v` first
(defprog p () (let ((v (map-lookup h 1)) (w 0))
  (when v (map-update-ptr h v (stack-addr w) 0)) ; was: `map-update-elem` does not take null
  0))
;;;; in-loop: test `v` first
(defprog p () (let ((sum 0))
  (dotimes (i 4)
    (let ((v (map-lookup h i)))
      (incf sum (if v (load u64 v 0) 0)))) ; was: may be null
  sum))
;;;; map-of-maps: test `m` first
(defmap inner :type :array :key u32 :value u64 :max-entries 4)
(defmap outer :type :hash-of-maps :key u32 :max-entries 4 :inner-map inner)
(defprog p () (let ((m (getmap outer 1)))
  (when-let ((v (if m (map-lookup m 1) 0))) ; was: the pointer is null here, and `map-lookup-elem` does not take null
    (return (load u64 v 0)))
  1))
;;;; or: test `v` first
(defprog p () (let ((v (map-lookup h 1)) (w (map-lookup h 2)))
  (if (or v w)
    (if v (load u64 v 0) XDP_PASS) ; was: null
    0)))
;;;; other-pointer: test `w` first
(defprog p () (let ((v (map-lookup h 1)) (w (map-lookup h 2)))
  (when v
    (return (if w (load u64 w 0) XDP_PASS))) ; was: `w` may be null here: the lookup at 33:45 can miss
  0))
;;;; parse: test `t1` first
(defprog p () (let ((d (ctx data)) (e (ctx data-end)))
  (let ((t1 (parse-tcp d e)))
    (if t1 (load u16 t1 0) XDP_PASS)))) ; was: null
;;;; plain: test `v` first
(defprog p () (let ((v (map-lookup h 1))) (if v (load u64 v 0) XDP_PASS))) ; was: `v` may be null here: the lookup at 8:24 can miss
;;;; reserve: test `e` first; test `e` first
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (when e (store u64 e 0 1)) ; was: `e` may be null here: the reservation at 67:24 can fail
  (when e (ringbuf-submit e 0))
  0))
;;;; set-field: test `v` first
(defprog p () (let ((v (map-lookup s 1)))
  (when v (setf (st-a v) 1)) ; was: may be null
  0))
;;;; store: test `v` first
(defprog p () (let ((v (map-lookup h 1)))
  (when v (store u64 v 0 7)) ; was: may be null
  0))
;;;; submit-null: test `e` first
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (when e (ringbuf-submit e 0)) ; was: does not take null
  0))
;;;; wrong-way: turn the test round
(defprog p () (let ((v (map-lookup h 1)))
  (unless v (return 1))
  (load u64 v 0))) ; was: `v` is null here: the lookup at 25:24 can miss
