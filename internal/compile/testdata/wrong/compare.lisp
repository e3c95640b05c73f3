; Comparisons that types decide.
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
(defmacro below (x n) `(< ,x ,n))
(defconstant +limit+ 0)
;;;; unsigned-below-zero
(defprog p () (if (< (ctx rx-queue-index) 0) 1 2)) ; WARNING 19: "always false"
;;;; unsigned-from-zero
(defprog p () (let ((x (getmap h 1)))
  (when (>= x 0) (return 1)) ; WARNING 9: "always true"
  2))
;;;; byte
(defprog p () (let ((x u8 (ctx rx-queue-index)))
  (if (> x 255) 1 2))) ; WARNING 7: "always false"
;;;; mask
(defprog p () (if (= (logand (ctx rx-queue-index) 12) 3) 1 2)) ; WARNING 19: "always false"
;;;; argument-of-a-macro
(defprog p () (when-let ((x (< (ctx rx-queue-index) 0))) (return x)) 2) ; WARNING 29: "always false"
