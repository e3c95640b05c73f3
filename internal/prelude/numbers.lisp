;;; Numbers: what can be said with the operators of the core.

(defmacro 1+ (x) "x plus one." `(+ ,x 1))
(defmacro 1- (x) "x minus one." `(- ,x 1))
(defmacro zerop (x) "1 if x is 0." `(= ,x 0))
(defmacro plusp (x) "1 if x is greater than 0; signed where x is signed." `(> ,x 0))
(defmacro minusp (x) "1 if x is less than 0: never, where x is unsigned." `(< ,x 0))
(defmacro evenp (x) "1 if the lowest bit of x is 0." `(= (logand ,x 1) 0))
(defmacro oddp (x) "1 if the lowest bit of x is 1." `(/= (logand ,x 1) 0))
(defmacro logtest (x y) "1 if x and y have a bit in common." `(/= (logand ,x ,y) 0))
(defmacro logbitp (index x) "1 if bit index of x is 1." `(logand (>> ,x ,index) 1))

(defmacro min (x &rest more)
  "The least of its arguments."
  (%least '< x more))

(defmacro max (x &rest more)
  "The greatest of its arguments."
  (%least '> x more))

(defun %least (op x more)
  (if (null more)
      x
      (let ((a (gensym "A")) (b (gensym "B")))
        `(%once ((,a ,x) (,b ,(%least op (car more) (cdr more))))
           (if (,op ,b ,a) ,b ,a)))))

(defmacro abs (x)
  "The absolute value of a signed x; x itself where it is unsigned."
  (let ((a (gensym "A")))
    `(%once ((,a ,x)) (if (< ,a 0) (- ,a) ,a))))

(defmacro rotl (x n)
  "x rotated left by n bits, 64 bits wide."
  (let ((a (gensym "A")) (k (gensym "N")))
    `(%once ((,a ,x) (,k ,n))
       (logior (<< ,a (logand ,k 63)) (>> ,a (logand (- ,k) 63))))))

(defmacro rotl32 (x n)
  "The low 32 bits of x rotated left by n bits."
  (let ((a (gensym "A")) (k (gensym "N")))
    `(%once ((,a (cast u32 ,x)) (,k ,n))
       (cast u32 (logior (<< ,a (logand ,k 31)) (>> ,a (logand (- ,k) 31)))))))

(defmacro log2 (x)
  "The index of the highest bit of x that is 1; 0 for 0."
  (let ((v (gensym "X")) (r (gensym "R")))
    `(let ((,v u64 ,x) (,r u32 0))
       ,@(mapcar (lambda (n) `(when (>= ,v ,(ash 1 n)) (setf ,v (>> ,v ,n)) (setf ,r (+ ,r ,n))))
                 '(32 16 8 4 2))
       (cast u32 (+ ,r (>> ,v 1))))))
