; References that are not given back, or used after they were.
(defmap rb :type :ringbuf :max-entries 4096)
(defmap progs :type :prog-array :key-size 4 :value-size 4 :max-entries 4)
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
;;;; double: give it back once
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (when e
    (ringbuf-submit e 0)) ; was: `ringbuf-submit` has given back
  1))
;;;; early-return: give it back
(defprog p () (let ((e (ringbuf-reserve rb 16 0))) ; was: is not given back
  (unless e (return 0))
  (when (= (ctx rx-queue-index) 3) (ringbuf-discard e 0) (return 2))
  (ringbuf-submit e 0)
  1))
;;;; in-loop: give it back
(defprog p ()
  (dotimes (i 3)
    (let ((e (ringbuf-reserve rb 16 0))) ; was: is not given back
      (when e
        (when (= (ctx rx-queue-index) 7) (ringbuf-discard e 0) (return 2))
        (ringbuf-submit e 0))))
  1)
;;;; leak: give it back
(defprog p () (let ((e (ringbuf-reserve rb 16 0))) ; was: is not given back on every path
  (when e (store u64 e 0 1) (ringbuf-discard e 0))
  1))
;;;; maybe-twice: give it back on one of the ways each
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (when e
    (if (= (ctx rx-queue-index) 3) (ringbuf-discard e 0) (ringbuf-submit e 0))) ; was: `ringbuf-discard` has given back
  1))
;;;; socket: give it back
(defprog p (:type :tc) (let ((t4 (struct-alloc 12)))
  (let ((sk (sk-lookup-tcp (ctx-ptr) t4 12 -1 0))) ; was: `sk-lookup-tcp` gives here is not given back
    (when sk (sk-release sk))
    (if sk 1 0))))
;;;; socket-after: give it back once
(defprog p (:type :tc) (let ((t4 (struct-alloc 12)))
  (let ((sk (skc-lookup-tcp (ctx-ptr) t4 12 -1 0)))
    (when sk
      (sk-release sk)) ; was: `sk-release` has given back
    0)))
;;;; unused: give it back
(defprog p () (when-let ((r (ringbuf-reserve rb 8 0))) (ringbuf-discard r 0)) 1) ; was: is not given back
;;;; use-after: use it before it is given back
(defprog p () (let ((e (ringbuf-reserve rb 16 0)))
  (when e
    (store u64 e 0 1)
    (ringbuf-submit e 0)) ; was: `ringbuf-submit` has given back
  1))
