;;; Arrays in the memory of the user's process, read with probe-read-user.

(defun %user-options (options)
  (cond ((null options) (gensym "I"))
        ((and (eq (car options) :index) (consp (cdr options)) (symbolp (second options)) (null (cddr options)))
         (second options))
        (t (%fail (car options) "malformed options" ":index variable" nil "unknown-keyword"))))

(defmacro do-user-ptrs ((var base count max &rest options) &body body)
  "(do-user-ptrs (var base count max [:index i]) body...) walks an array of count pointers at the user's address base, at most max of them, and evaluates body with var bound to each that is not null. An entry that cannot be read is passed over."
  (let ((b (gensym "BASE")) (buf (gensym "BUF")) (i (%user-options options)))
    `(let ((,b ,base) (,buf (struct-alloc 8)))
       (dotimes (,i ,count :max ,max)
         (when (= (probe-read-user ,buf 8 (+ ,b (* ,i 8))) 0)
           (let ((,var (load u64 ,buf 0)))
             (when ,var ,@body)))))))

(defmacro do-user-array ((var type base count max &rest options) &body body)
  "(do-user-array (var type base count max [:index i]) body...) walks an array of count elements at the user's address base, at most max of them: var is each number, or for a struct a pointer to a copy of it. An element that cannot be read is passed over."
  (let* ((b (gensym "BASE")) (buf (gensym "BUF")) (i (%user-options options)) (size (sizeof type))
         (read `(= (probe-read-user ,buf ,size (+ ,b (* ,i ,size))) 0)))
    (if (%scalar-p type)
        `(let ((,b ,base) (,buf (struct-alloc ,size)))
           (dotimes (,i ,count :max ,max)
             (when ,read
               (let ((,var (load ,type ,buf 0))) ,@body))))
        `(let ((,b ,base) (,buf ,type))
           (dotimes (,i ,count :max ,max)
             (when ,read
               (let ((,var ,buf)) ,@body)))))))
