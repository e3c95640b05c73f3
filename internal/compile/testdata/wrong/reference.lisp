; References that are not given back, or used after they were.
(defmap rb :type :ringbuf :max-entries 4096)
(defmap progs :type :prog-array :key-size 4 :value-size 4 :max-entries 4)
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
;;;; leak
(defprog p () (let ((e (ringbuf-reserve rb 16 0))) ; ERROR 24: "is not given back on every path"
  (when e (store u64 e 0 1))
  1))
;;;; unused
(defprog p () (ringbuf-reserve rb 8 0) 1) ; ERROR 15: "is not given back"
;;;; early-return
(defprog p () (let ((e (ringbuf-reserve rb 16 0))) ; ERROR 24: "is not given back"
  (unless e (return 0))
  (when (= (ctx rx-queue-index) 3) (return 2))
  (ringbuf-submit e 0)
  1))
;;;; double
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (when e
    (ringbuf-submit e 0)
    (ringbuf-discard e 0)) ; ERROR 5: "`ringbuf-submit` has given back"
  1))
;;;; use-after
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (when e
    (ringbuf-submit e 0)
    (store u64 e 0 1)) ; ERROR 5: "`ringbuf-submit` has given back"
  1))
;;;; maybe-twice
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (when e
    (when (= (ctx rx-queue-index) 3) (ringbuf-discard e 0))
    (ringbuf-submit e 0)) ; ERROR 5: "`ringbuf-discard` has given back"
  1))
;;;; tail-call
(defprog p () (let ((e (ringbuf-reserve rb 16 0))) ; ERROR 24: "is not given back"
  (unless e (return 0))
  (tail-call progs 1)
  (ringbuf-submit e 0)
  1))
;;;; two
(defprog p () (let ((e (ringbuf-reserve rb 16 0)) (f (ringbuf-reserve rb 8 0))) ; ERROR 24: "is not given back" ; ERROR 54: "is not given back"
  (when (and e f) (ringbuf-submit e 0) (ringbuf-submit f 0))
  1))
;;;; socket
(defprog p (:type :tc) (let ((t4 (struct-alloc 12)))
  (let ((sk (sk-lookup-tcp (ctx-ptr) t4 12 -1 0))) ; ERROR 13: "`sk-lookup-tcp` gives here is not given back"
    (if sk 1 0))))
;;;; socket-after
(defprog p (:type :tc) (let ((t4 (struct-alloc 12)))
  (let ((sk (skc-lookup-tcp (ctx-ptr) t4 12 -1 0)))
    (when sk
      (sk-release sk)
      (sk-release sk)) ; ERROR 7: "`sk-release` has given back"
    0)))
;;;; in-loop
(defprog p ()
  (dotimes (i 3)
    (let ((e (ringbuf-reserve rb 16 0))) ; ERROR 14: "is not given back"
      (when e
        (when (= (ctx rx-queue-index) 7) (return 2))
        (ringbuf-submit e 0))))
  1)
