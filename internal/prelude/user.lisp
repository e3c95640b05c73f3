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

;;; Static probes (USDT). The loader stores where the arguments of each probe
;;; are in an array of libbpf's struct __bpf_usdt_spec.

(defmacro %with-usdt-spec ((spec) &body body)
  (unless (eq (prog-type) :usdt)
    (%fail nil "only a program at a static probe has its arguments" "a program of type usdt" nil "wrong-program-type"))
  `(when-let ((,spec (map-lookup __bpf_usdt_specs (get-attach-cookie (ctx-ptr)))))
     ,@body))

(defmacro usdt-arg (n)
  "Argument n of the static probe (USDT) that the program stands at, counted from 0; 0 if there is none. A narrow one is extended as the probe's note says."
  (unless (and (integerp n) (<= 0 n 11))
    (%fail n "the number of an argument is a constant" "0 to 11" nil "index-range"))
  (let ((spec (gensym "SPEC")) (at (* n 16)) (kind (gensym "KIND")) (v (gensym "V")) (x (gensym "X")) (shift (gensym "SHIFT")))
    `(%with-usdt-spec (,spec)
       (let ((,v (load u64 ,spec ,at)) (,kind (load u8 ,spec ,(+ at 8))) (,shift (load u8 ,spec ,(+ at 15))) (,x u64 0))
         (when ,kind
           (probe-read-kernel (stack-addr ,x) 8 (+ (ctx-ptr) (load i16 ,spec ,(+ at 12))))
           (cond ((= ,kind 1) (setf ,v ,x))
                 (t (setf ,v (+ ,v ,x))
                    (when (= ,kind 3)
                      (probe-read-kernel (stack-addr ,x) 8 (+ (ctx-ptr) (logand (load u16 ,spec ,(+ at 10)) #xfff)))
                      (setf ,v (+ ,v (<< ,x (>> (load u16 ,spec ,(+ at 10)) 12)))))
                    (probe-read-user (stack-addr ,x) 8 ,v)
                    (setf ,v ,x))))
         (setf ,v (<< ,v ,shift))
         (if (load u8 ,spec ,(+ at 14)) (>>> ,v ,shift) (>> ,v ,shift))))))

(defmacro usdt-arg-count ()
  "How many arguments the static probe has that the program stands at."
  (let ((spec (gensym "SPEC")))
    `(%with-usdt-spec (,spec) (load u16 ,spec 200))))
