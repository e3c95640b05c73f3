; What a source says to no purpose.
(defmacro twice (x) `(+ ,x ,x))
;;;; unused-variable
(defprog p ()
  (let ((x 1) ; WARNING 10: "the variable `x` is never read"
        (y u32 2))
    y))
;;;; unused-variable-let*
(defprog p ()
  (let* ((x 1)
         (y (+ x 1))) ; WARNING 11: "the variable `y` is never read"
    2))
;;;; assigned-only
(defprog p ()
  (let ((x 1)) ; WARNING 10: "the variable `x` is never read"
    (setf x (ctx rx-queue-index))
    2))
;;;; in-a-macro's-argument
(defprog p ()
  (twice (let ((x 1)) 2))) ; WARNING 17: "the variable `x` is never read"
;;;; unused-map
(defmap m :type :array :key u32 :value u64 :max-entries 1) ; WARNING 9: "nothing uses the map `m`"
(defprog p () 2)
;;;; used-maps
(defmap m :type :array :key u32 :value u64 :max-entries 1)
(defmap o :type :array-of-maps :key u32 :max-entries 1 :inner-map m)
(defmap n :type :array :key u32 :value u64 :max-entries 1) ; WARNING 9: "nothing uses the map `n`"
(defprog p () (when-let ((i (getmap o 0))) (setf (getmap i 0) 1)) 2)
;;;; unused-subprogram
(defsubprog f ((x u32)) u32 x) ; WARNING 13: "nothing uses the subprogram `f`"
(defprog p () 2)
;;;; duplicate-key
(defconstant +two+ 2)
(defprog p ()
  (case (ctx rx-queue-index)
    (1 1)
    ((2 3) 2)
    (+two+ 1) ; WARNING 6: "the key \+two\+ stands twice"
    (4 1)
    ((5 6 4) 2) ; WARNING 11: "the key 4 stands twice"
    (t 2)))
;;;; behind-otherwise
(defprog p ()
  (case (ctx rx-queue-index)
    (1 1)
    (otherwise 2)
    (3 1))) ; WARNING 5: "no key gets to this clause"
;;;; unreachable
(defprog p ()
  (return 1)
  (ktime-get-ns) ; WARNING 3: "nothing gets here"
  2)
;;;; unreachable-in-a-loop
(defprog p ()
  (dotimes (i 4)
    (break)
    (return 1)) ; WARNING 5: "nothing gets here"
  2)
;;;; both-ways-leave
(defprog p ()
  (if (> (ctx rx-queue-index) 3) (return 1) (return 2))
  (return 0)) ; WARNING 3: "nothing gets here"
;;;; mixed-signs
(defprog p ()
  (let ((a i32 (ctx rx-queue-index)) (b u32 (ctx ingress-ifindex)))
    (if (< a b) ; WARNING 12: "`<` compares as unsigned"
        1 2)))
