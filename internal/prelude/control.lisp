;;; Control: what decides evaluation with the help of `if`, `let` and `setf`.

(defmacro when (test &body body)
  "Evaluates body where test is not 0; otherwise gives 0."
  `(if ,test (progn ,@body) 0))

(defmacro unless (test &body body)
  "Evaluates body where test is 0; otherwise gives 0."
  `(if ,test 0 (progn ,@body)))

(defmacro cond (&rest clauses)
  "Evaluates the body of the first clause (test body...) whose test is not 0."
  (let ((arms nil) (else 0))
    (loop while clauses
          do (let ((clause (pop clauses)))
               (unless (consp clause)
                 (%fail clause "malformed clause of cond" "(test form...)"))
               (cond ((member (car clause) '(t otherwise))
                      (setf else (if (cdr clause) `(progn ,@(cdr clause)) 1) clauses nil))
                     ((null (cdr clause))
                      (setf else `(or ,(car clause) (cond ,@clauses)) clauses nil))
                     (t (push `(,(car clause) (progn ,@(cdr clause))) arms)))))
    `(%cond ,@(reverse arms) ,else)))

(defmacro case (key &rest clauses)
  "Evaluates the body of the first clause (keys body...) that has the key. Keys are constants, lists of them, t or otherwise."
  (let ((k (gensym "KEY")))
    `(%once ((,k ,key)) (%case-keys ,clauses) (%case ,k ,@clauses))))

(defmacro %case (k &rest clauses)
  (let ((arms nil) (else 0))
    (loop while clauses
          do (let ((clause (pop clauses)))
               (unless (consp clause)
                 (%fail clause "malformed clause of case" "(key form...) or ((key...) form...)"))
               (let ((keys (car clause)) (body `(progn ,@(cdr clause))))
                 (cond ((member keys '(t otherwise))
                        (setf else body clauses nil))
                       ((and keys (listp keys))
                        (push `((or ,@(mapcar (lambda (x) `(= ,k ,x)) keys)) ,body) arms))
                       (keys (push `((= ,k ,keys) ,body) arms))))))
    `(%cond ,@(reverse arms) ,else)))

(defmacro ecase (key &rest clauses)
  "The same as case: a key that no clause has gives 0."
  `(case ,key ,@clauses))

(defmacro prog1 (first &body body)
  "Evaluates all forms and gives the value of the first."
  (let ((v (gensym "VALUE")))
    `(%once ((,v ,first)) ,@body ,v)))

(defmacro prog2 (first second &body body)
  "Evaluates all forms and gives the value of the second."
  `(progn ,first (prog1 ,second ,@body)))

(defmacro when-let (bindings &body body)
  "Binds variables and evaluates body where all their values are not 0. Bindings are ((var form)...) or (var form)."
  `(if-let ,bindings (progn ,@body) 0))

(defmacro if-let (bindings then &optional (else 0))
  "Binds variables; evaluates then where all their values are not 0, otherwise else."
  (let ((list (if (and (consp bindings) (symbolp (car bindings)) (car bindings)) (list bindings) bindings)))
    (unless (and (consp list) (every (lambda (b) (and (consp b) (cdr b))) list))
      (%fail bindings "malformed bindings" "((variable form)...)" nil "bad-binding"))
    `(let ,list
       (if ,(if (cdr list) `(and ,@(mapcar (function car) list)) (caar list)) ,then ,else))))

(defmacro when-let* (bindings &body body)
  "Binds variables one after the other, each seeing those before; evaluates body where no value is 0."
  (if (null bindings)
      `(progn ,@body)
      `(when-let (,(car bindings)) (when-let* ,(cdr bindings) ,@body))))

(defmacro incf (place &optional (delta 1))
  "Adds delta to a place and gives the new value. On (getmap map key) the addition is atomic and creates missing entries."
  (%modify place '+ delta))

(defmacro decf (place &optional (delta 1))
  "Subtracts delta from a place and gives the new value. On (getmap map key) it is incf by the negated delta."
  (%modify place '- delta))

(defun %modify (place op delta)
  (cond ((symbolp place) `(setf ,place (,op ,place ,delta)))
        ((not (consp place)) (%fail place "this is not a place" "a variable, (getmap map key) or a struct field" nil "not-a-place"))
        ((eq (car place) 'getmap)
         (unless (= (length place) 3)
           (%fail place "getmap in incf or decf wants a map and a key" "(incf (getmap map key) [delta])" nil "argument-count"))
         `(%incf-getmap ,(second place) ,(third place) ,(if (eq op '+) delta `(- ,delta))))
        ((eq (car place) 'ctx) `(setf ,place (,op ,place ,delta)))
        (t (let ((vars (mapcar (lambda (x) (declare (ignore x)) (gensym "ARG")) (cdr place))))
             `(%once ,(mapcar (function list) vars (cdr place))
                (setf (,(car place) ,@vars) (,op (,(car place) ,@vars) ,delta)))))))

(defmacro sizeof (type)
  "The size of a type in bytes: a constant."
  (sizeof type))

(defmacro offsetof (struct field &rest path)
  "The offset of a field in bytes: a constant. More fields and indices lead on into it: (offsetof outer inner field), also written (offsetof outer inner.field)."
  (apply (function offsetof) struct field path))

(defmacro dolist ((var list) &body body)
  "Evaluates body once for each item of a constant list, with var standing for it."
  `(progn ,@(mapcar (lambda (x) `(symbol-macrolet ((,var ,x)) ,@body))
                    (if (and (consp list) (eq (car list) 'quote)) (second list)
                        (if (and (symbolp list) (boundp list)) (symbol-value list)
                            (%fail list "dolist in a program wants a constant list" "'(a b c), or a variable of compile time" nil "not-constant"))))))
