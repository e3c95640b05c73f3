; Spin locks: held at the end, taken twice, calls in between; objects of the
; kernel that are read or written.
(defstruct pair (lock bpf-spin-lock) (n u32) (a u64) (b u64))
(defmap pairs :type :array :key u32 :value pair :max-entries 2)
(defmap hp :type :hash :key u32 :value pair :max-entries 4)
(defmap rb :type :ringbuf :max-entries 4096)
(defmap progs :type :prog-array :key-size 4 :value-size 4 :max-entries 4)
;;;; another: let the lock go that is held
(defprog p () (when-let ((v (getmap hp 1)) (w (getmap hp 2)))
  (spin-lock (pair-lock v))
  (incf (pair-a v))
  (spin-unlock (pair-lock v))) ; was: lets another lock go
  1)
;;;; call: call it before the lock is taken
(defprog p () (when-let ((v (getmap hp 1)))
  (let ((now (ktime-get-ns))) (with-spin-lock (v)
                                (setf (pair-a v) now)))) ; was: calls `ktime-get-ns` while a lock is held
  1)
;;;; dynptr-after: use it before it is given back
(defprog p () (let ((d (struct-alloc 16)) (x 5))
  (ringbuf-reserve-dynptr rb 8 0 d)
  (dynptr-write d 0 (stack-addr x) 8 0)
  (ringbuf-submit-dynptr d 0)
 ; was: gets a dynptr that nothing has made on this way, or that was given back
  1))
;;;; dynptr-leak: give it back
(defprog p () (let ((d (struct-alloc 16)))
  (if (= (ringbuf-reserve-dynptr rb 8 0 d) 0) ; was: `ringbuf-reserve-dynptr` gives here is not given back
    (ringbuf-submit-dynptr d 0) (ringbuf-discard-dynptr d 0))
  1))
;;;; dynptr-slice-after: use it before it is given back
(defprog p () (let ((d (struct-alloc 16)) (r 1))
  (ringbuf-reserve-dynptr rb 8 0 d)
  (let ((p (dynptr-data d 0 8)))
    (when p (store u64 p 0 1))
    (ringbuf-submit-dynptr d 0)) ; was: that `ringbuf-submit-dynptr` has given back
  r))
;;;; dynptr-twice: the form gives it back
(defprog p ()
  (with-dynptr (d (ringbuf-reserve-dynptr rb 8 0)) ; was: or that was given back
    0) ; the form submits as well
  1)
;;;; early-return: let the lock go
(defprog p () (when-let ((v (getmap hp 1)))
  (spin-lock (pair-lock v)) ; was: is not let go on every path
  (when (= (pair-a v) 5) (spin-unlock (pair-lock v)) (return 2))
  (spin-unlock (pair-lock v)))
  1)
;;;; global: call it before the lock is taken
(defsubprog twice ((x u64)) u64 (:global t) (* x 2))
(defprog p () (when-let ((v (getmap hp 1)))
  (let ((now (twice 4))) (with-spin-lock (v)
                           (setf (pair-a v) now)))) ; was: calls `twice` while a lock is held
  1)
;;;; held: let the lock go
(defprog p () (when-let ((v (getmap hp 1)))
  (spin-lock (pair-lock v)) ; was: is not let go on every path
  (incf (pair-a v)) (spin-unlock (pair-lock v)))
  1)
;;;; lookup: call it before the lock is taken
(defprog p () (when-let ((v (getmap hp 1)))
  (when-let ((w (getmap hp 2))) (with-spin-lock (v) ; was: calls `map-lookup-elem` while a lock is held
      (setf (pair-a v) 1))))
  1)
;;;; not-held: leave it out
(defprog p () (when-let ((v (getmap hp 1)))) ; was: lets a lock go that is not held
  1)
;;;; null: test `v` first
(defprog p ()
  (let ((v (map-lookup hp 1)))
    (when v (with-spin-lock (v) ; was: may be null
              (incf (pair-a v)))))
  1)
;;;; null-getmap: test the pointer first
(defprog p () (if-let ((p2 (getmap hp 2))) (with-spin-lock (p2) 1) XDP_PASS)) ; was: the pointer to a map value may be null here, and `spin-lock` does not take null
;;;; null-timer: test the pointer first
(defstruct ses (t bpf-timer) (n u64))
(defmap s1 :type :hash :key u32 :value ses :max-entries 4)
(defprog p () (when-let ((p2 (ses-t (getmap s1 1)))) (timer-cancel p2)) 1) ; was: may be null here, and `timer-cancel` does not take null
;;;; tail-call: let the lock go
(defprog p () (when-let ((v (getmap hp 1)))
  (spin-lock (pair-lock v)) ; was: is not let go on every path
  (spin-unlock (pair-lock v))
  (tail-call progs 1)) ; was: calls `tail-call` while a lock is held
  1)
;;;; timer-map: write `s1`
(defstruct ses (t bpf-timer) (n u64))
(defmap s1 :type :hash :key u32 :value ses :max-entries 4)
(defmap s2 :type :hash :key u32 :value ses :max-entries 4)
(defprog p () (when-let ((v (getmap s1 1)))
  (timer-init (ses-t v) s1 CLOCK_MONOTONIC)) ; was: the timer is in a value of `s1`, and this is for `s2`
  1)
;;;; unlock-twice: leave it out
(defprog p () (when-let ((v (getmap hp 1)))
  (with-spin-lock (v) ; was: lets a lock go that is not held
    (incf (pair-a v))))
  1)
