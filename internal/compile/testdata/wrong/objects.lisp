; Spin locks: held at the end, taken twice, calls in between; objects of the
; kernel that are read or written.
(defstruct pair (lock bpf-spin-lock) (n u32) (a u64) (b u64))
(defmap pairs :type :array :key u32 :value pair :max-entries 2)
(defmap hp :type :hash :key u32 :value pair :max-entries 4)
(defmap rb :type :ringbuf :max-entries 4096)
(defmap progs :type :prog-array :key-size 4 :value-size 4 :max-entries 4)
;;;; held
(defprog p () (when-let ((v (getmap hp 1)))
  (spin-lock (pair-lock v)) ; ERROR 3: "is not let go on every path"
  (incf (pair-a v)))
  1)
;;;; early-return
(defprog p () (when-let ((v (getmap hp 1)))
  (spin-lock (pair-lock v)) ; ERROR 3: "is not let go on every path"
  (when (= (pair-a v) 5) (return 2))
  (spin-unlock (pair-lock v)))
  1)
;;;; nested
(defprog p () (when-let ((v (getmap hp 1)) (w (getmap hp 2)))
  (with-spin-lock (v)
    (with-spin-lock (w) ; ERROR 5: "takes a lock while another is held"
      (incf (pair-a v)))))
  1)
;;;; call
(defprog p () (when-let ((v (getmap hp 1)))
  (with-spin-lock (v)
    (setf (pair-a v) (ktime-get-ns)))) ; ERROR 22: "calls `ktime-get-ns` while a lock is held"
  1)
;;;; lookup
(defprog p () (when-let ((v (getmap hp 1)))
  (with-spin-lock (v)
    (when-let ((w (getmap hp 2))) ; ERROR 19: "calls `map-lookup-elem` while a lock is held"
      (setf (pair-a v) 1))))
  1)
;;;; tail-call
(defprog p () (when-let ((v (getmap hp 1)))
  (spin-lock (pair-lock v)) ; ERROR 3: "is not let go on every path"
  (tail-call progs 1)) ; ERROR 3: "calls `tail-call` while a lock is held"
  1)
;;;; global
(defsubprog twice ((x u64)) u64 (:global t) (* x 2))
(defprog p () (when-let ((v (getmap hp 1)))
  (with-spin-lock (v)
    (setf (pair-a v) (twice 4)))) ; ERROR 22: "calls `twice` while a lock is held"
  1)
;;;; not-held
(defprog p () (when-let ((v (getmap hp 1)))
  (spin-unlock (pair-lock v))) ; ERROR 3: "lets a lock go that is not held"
  1)
;;;; unlock-twice
(defprog p () (when-let ((v (getmap hp 1)))
  (with-spin-lock (v) ; ERROR 3: "lets a lock go that is not held"
    (when (= (pair-n v) 1) (spin-unlock (pair-lock v)))
    (incf (pair-a v))))
  1)
;;;; another
(defprog p () (when-let ((v (getmap hp 1)) (w (getmap hp 2)))
  (spin-lock (pair-lock v))
  (incf (pair-a v))
  (spin-unlock (pair-lock w))) ; ERROR 3: "lets another lock go"
  1)
;;;; null
(defprog p ()
  (let ((v (map-lookup hp 1)))
    (with-spin-lock (v) ; ERROR 5: "may be null"
      (incf (pair-a v))))
  1)
;;;; load
(defprog p () (let ((v (getmap hp 1)))
  (if v (logand 1 (load u32 v 0)) 0))) ; ERROR 19: "reads or writes the bytes of the bpf-spin-lock"
;;;; wide
(defprog p () (when-let ((v (getmap hp 1)))
  (store u64 v 0 1)) ; ERROR 3: "reads or writes the bytes of the bpf-spin-lock"
  1)
;;;; memcpy
(defprog p () (let ((s (make-pair)))
  (when-let ((v (getmap hp 1)))
    (memcpy s 0 v 0 24) ; ERROR 5: "reads or writes the bytes of the bpf-spin-lock"
    (ringbuf-output rb s 24 0)))
  1)
;;;; output
(defprog p () (when-let ((v (getmap hp 1)))
  (ringbuf-output rb v 24 0)) ; ERROR 3: "gives `ringbuf-output` the bytes of the bpf-spin-lock"
  1)
;;;; update-from-value
(defprog p () (when-let ((v (getmap hp 1)))
  (map-update hp 2 v BPF_ANY)) ; ERROR 3: "gives `map-update-elem` the bytes of the bpf-spin-lock"
  1)
;;;; timer-map
(defstruct ses (t bpf-timer) (n u64))
(defmap s1 :type :hash :key u32 :value ses :max-entries 4)
(defmap s2 :type :hash :key u32 :value ses :max-entries 4)
(defprog p () (when-let ((v (getmap s1 1)))
  (timer-init (ses-t v) s2 CLOCK_MONOTONIC)) ; ERROR 3: "the timer is in a value of `s1`, and this is for `s2`"
  1)
;;;; timer-load
(defstruct ses (t bpf-timer) (n u64))
(defmap s1 :type :hash :key u32 :value ses :max-entries 4)
(defprog p () (when-let ((v (getmap s1 1)))
  (store u64 v 8 1)) ; ERROR 3: "the bytes of the bpf-timer"
  1)
;;;; timer-callback-map
(defstruct ses (t bpf-timer) (n u64))
(defstruct big (t bpf-timer) (n u64) (more (array u64 8)))
(defmap s1 :type :hash :key u32 :value ses :max-entries 4)
(defmap s2 :type :hash :key u32 :value big :max-entries 4)
(defprog p () (when-let ((v (getmap s1 1)))
  (timer-init (ses-t v) s1 CLOCK_MONOTONIC)
  (timer-set-callback (ses-t v) (k b s2) ; ERROR 3: "the timer is in a value of `s1`, and this is for `s2`"
    (setf (aref (big-more b) 5) 1)))
  1)
;;;; dynptr-leak
(defprog p () (let ((d (struct-alloc 16)))
  (when (= (ringbuf-reserve-dynptr rb 8 0 d) 0) ; ERROR 12: "`ringbuf-reserve-dynptr` gives here is not given back"
    (ringbuf-submit-dynptr d 0))
  1))
;;;; dynptr-unset
(defprog p () (let ((d (struct-alloc 16)) (x 0))
  (dynptr-read (stack-addr x) 8 d 0 0) ; ERROR 3: "gets a dynptr that nothing has made"
  (logand x 1)))
;;;; dynptr-after
(defprog p () (let ((d (struct-alloc 16)) (x 5))
  (ringbuf-reserve-dynptr rb 8 0 d)
  (ringbuf-submit-dynptr d 0)
  (dynptr-write d 0 (stack-addr x) 8 0) ; ERROR 3: "gets a dynptr that nothing has made on this way, or that was given back"
  1))
;;;; dynptr-twice
(defprog p ()
  (with-dynptr (d (ringbuf-reserve-dynptr rb 8 0)) ; ERROR 3: "or that was given back"
    (ringbuf-submit-dynptr d 0)) ; the form submits as well
  1)
;;;; dynptr-slice-after
(defprog p () (let ((d (struct-alloc 16)) (r 1))
  (ringbuf-reserve-dynptr rb 8 0 d)
  (let ((p (dynptr-data d 0 8)))
    (ringbuf-submit-dynptr d 0)
    (when p (store u64 p 0 1))) ; ERROR 13: "that `ringbuf-submit-dynptr` has given back"
  r))
;;;; dynptr-one-way
(defprog p () (let ((d (struct-alloc 16)) (x 5))
  (when-let ((v (getmap hp 1)))
    (when (= (ctx rx-queue-index) 1) (dynptr-from-mem (pair-a-ptr v) 8 0 d))
    (dynptr-write d 0 (stack-addr x) 8 0)) ; ERROR 5: "gets a dynptr that nothing has made on this way"
  1))
;;;; dynptr-lock
(defprog p () (when-let ((v (getmap hp 1)))
  (with-dynptr (d (dynptr-from-mem v 24 0)) ; ERROR 3: "gives `dynptr-from-mem` the bytes of the bpf-spin-lock"
    (dynptr-data d 0 8)))
  1)
;;;; null-getmap
(defprog p () (with-spin-lock ((getmap hp 2)) 1)) ; ERROR 15: "the pointer to a map value may be null here, and `spin-lock` does not take null"
;;;; null-timer
(defstruct ses (t bpf-timer) (n u64))
(defmap s1 :type :hash :key u32 :value ses :max-entries 4)
(defprog p () (timer-cancel (ses-t (getmap s1 1))) 1) ; ERROR 15: "may be null here, and `timer-cancel` does not take null"
