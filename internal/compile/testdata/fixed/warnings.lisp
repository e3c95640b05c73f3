; What a source says to no purpose.
(defmacro twice (x) `(+ ,x ,x))
;;;; assigned-only: say that it is meant so
(defprog p ()
  (let ((x 1)) ; was: the variable `x` is never read
    (declare (ignore x))
    (setf x (ctx rx-queue-index))
    2))
;;;; behind-otherwise: take it out
(defprog p ()
  (case (ctx rx-queue-index)
    (1 1)
    (otherwise 2))) ; was: no key gets to this clause
;;;; both-ways-leave: take it out
(defprog p ()
  (if (> (ctx rx-queue-index) 3) (return 1) (return 2))) ; was: nothing gets here
;;;; duplicate-key: take the clause out; take the key out
(defconstant +two+ 2)
(defprog p ()
  (case (ctx rx-queue-index)
    (1 1)
    ((2 3) 2)
 ; was: the key \+two\+ stands twice
    (4 1)
    ((5 6) 2) ; was: the key 4 stands twice
    (t 2)))
;;;; unreachable: take it out
(defprog p ()
  (return 1)
 ; was: nothing gets here
  2)
;;;; unreachable-in-a-loop: take it out
(defprog p ()
  (dotimes (i 4)
    (break)) ; was: nothing gets here
  2)
;;;; unused-variable: say that it is meant so
(defprog p ()
  (let ((x 1) ; was: the variable `x` is never read
        (y u32 2))
    (declare (ignore x))
    y))
;;;; unused-variable-let*: say that it is meant so
(defprog p ()
  (let* ((x 1)
         (y (+ x 1))) ; was: the variable `y` is never read
    (declare (ignore y))
    2))
