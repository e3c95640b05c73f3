; Subprograms and global variables.
(defsubprog twice ((a u32)) u64 (* 2 a))
(defsubprog many (a b c d e f) u64 a) ; ERROR 29: "6 parameters"
(defsubprog dup (a a) u64 a) ; ERROR 20: "declared twice"
(defsubprog notype ((a u33)) u64 a) ; ERROR 24: "unknown type"
(defsubprog empty ((a u64)) u64) ; ERROR 1: "needs parameters, a result type and a body"
(defsubprog while () u64 1) ; ERROR 13: "is a form of the language"
(defsubprog gptr ((p ptr)) u64 (:global t) 1) ; ERROR 20: "must say what it points to"
(defsubprog gres () (ptr u64) (:global t) 0) ; ERROR 21: "gives a number"
(defsubprog own () (ptr u64) (let ((x 1)) (stack-addr x))) ; ERROR 30: "own stack"
(defsubprog num () u64 (ctx-ptr)) ; ERROR 24: "gives a number"
(defsubprog opts () u64 (:inline t) 1) ; ERROR 26: "unknown keyword"
(defstruct pair (a u32))
(defstruct other (a u64))
(defsubprog sum ((p (ptr pair))) u32 (pair-a p))
(defprog a () (twice)) ; ERROR 15: "`twice` got 0 arguments"
(defprog b () (twice (ctx-ptr))) ; ERROR 22: "must be a number"
(defprog c () (twice #x1ffffffff)) ; ERROR 22: "does not fit"
(defprog d () (sum 5)) ; ERROR 20: "must be a pointer"
(defprog e () (sum (make-other))) ; ERROR 20: "must point to `pair`"
(defprog f () (twcie 5)) ; ERROR 16: "unknown form"
(defun twofold (x) (* 2 x))
(defprog g () (twofold 5)) ; ERROR 16: "compile-time function"
(defglobal g1 u8 300) ; ERROR 18: "does not fit"
(defglobal g2 (ptr u8)) ; ERROR 15: "cannot hold a pointer"
(defglobal g3) ; ERROR 1: "has no type"
(defglobal g4 (array u8 2) "abc") ; ERROR 28: "3 bytes"
(defglobal g5 u32 "x") ; ERROR 19: "no initial value"
(defglobal g6 u32 5 :const t)
(defglobal g6 u32) ; ERROR 12: "declared twice"
(defglobal g7 u32 1 :cnst t) ; ERROR 21: "unknown keyword"
(defprog h () (setf g6 1)) ; ERROR 21: "is constant"
(defprog i () (global-addr g66)) ; ERROR 28: "unknown global variable"
(defprog j () (setf g66 2)) ; ERROR 21: "unknown variable"
