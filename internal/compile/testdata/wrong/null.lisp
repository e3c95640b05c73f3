; Pointers that may be null. What stands before the first ;;;; belongs to every case.
(defstruct st (a u64) (b u32) (c u32))
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
(defmap s :type :hash :key u32 :value st :max-entries 8)
(defmap arr :type :array :key u32 :value u64 :max-entries 4)
(defmap rb :type :ringbuf :max-entries 4096)
;;;; plain
(defprog p () (let ((v (map-lookup h 1))) (load u64 v 0))) ; ERROR 43: "`v` may be null here: the lookup at 8:24 can miss"
;;;; store
(defprog p () (let ((v (map-lookup h 1)))
  (store u64 v 0 7) ; ERROR 3: "may be null"
  0))
;;;; atomic
(defprog p () (let ((v (map-lookup h 1)))
  (atomic-add v 0 1) ; ERROR 3: "may be null"
  0))
;;;; field
(defprog p () (let ((v (getmap s 1)))
  (st-b v))) ; ERROR 3: "`v` is null here"
;;;; set-field
(defprog p () (let ((v (map-lookup s 1)))
  (setf (st-a v) 1) ; ERROR 3: "may be null"
  0))
;;;; wrong-way
(defprog p () (let ((v (map-lookup h 1)))
  (when v (return 1))
  (load u64 v 0))) ; ERROR 3: "`v` is null here: the lookup at 25:24 can miss"
;;;; after-the-test
(defprog p () (let ((v (map-lookup h 1)) (n 0))
  (when v (setf n (load u64 v 0)))
  (+ n (load u64 v 0)))) ; ERROR 8: "null"
;;;; other-pointer
(defprog p () (let ((v (map-lookup h 1)) (w (map-lookup h 2)))
  (when v
    (return (load u64 w 0))) ; ERROR 13: "`w` may be null here: the lookup at 33:45 can miss"
  0))
;;;; or
(defprog p () (let ((v (map-lookup h 1)) (w (map-lookup h 2)))
  (if (or v w)
    (load u64 v 0) ; ERROR 5: "null"
    0)))
;;;; in-loop
(defprog p () (let ((sum 0))
  (dotimes (i 4)
    (let ((v (map-lookup h i)))
      (incf sum (load u64 v 0)))) ; ERROR 17: "may be null"
  sum))
;;;; flag
(defprog p () (let ((v (map-lookup h 1)) (ok 0))
  (when v (setf ok 1))
  (unless ok (return (load u64 v 0))) ; ERROR 22: "null here"
  0))
;;;; helper
(defprog p () (let ((v (map-lookup h 1)) (w 0))
  (map-update-ptr h v (stack-addr w) 0) ; ERROR 3: "`map-update-elem` does not take null"
  0))
;;;; array-variable-index
(defprog p () (with-packet (data end :min-len 20)
  (let ((v (map-lookup arr (load u32 data 4))))
    (load u64 v 0)))) ; ERROR 5: "may be null"
;;;; arithmetic
(defprog p () (with-packet (data end :min-len 20)
  (let* ((v (map-lookup s 1)) (w (+ v (logand 8 (load u32 data 0))))) ; ERROR 34: "arithmetic on `v`, which may be null here: the lookup at 63:13 can miss"
    (when v (return (load u32 w 0)))
    0)))
;;;; reserve
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (store u64 e 0 1) ; ERROR 3: "`e` may be null here: the reservation at 67:24 can fail"
  (ringbuf-submit e 0)
  0))
;;;; submit-null
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (ringbuf-submit e 0) ; ERROR 3: "does not take null"
  0))
;;;; context-socket
(defprog p (:type :tc) (let ((f (sk-fullsock (ctx sk)))) ; ERROR 33: "`sk-fullsock` does not take null"
  (if f 1 0)))
;;;; parse
(defprog p () (let ((d (ctx data)) (e (ctx data-end)))
  (let ((t1 (parse-tcp d e)))
    (load u16 t1 0)))) ; ERROR 5: "null"
;;;; map-of-maps
(defmap inner :type :array :key u32 :value u64 :max-entries 4)
(defmap outer :type :hash-of-maps :key u32 :max-entries 4 :inner-map inner)
(defprog p () (let ((m (getmap outer 1)))
  (when-let ((v (map-lookup m 1))) ; ERROR 17: "the pointer is null here, and `map-lookup-elem` does not take null"
    (return (load u64 v 0)))
  1))
