;;; Reads of kernel memory that may fail.

(defmacro when-read (bindings &body body)
  "(when-read ((variable form)...) body...) binds the variables, and evaluates body only if no read of kernel memory in the forms has failed; else it gives 0."
  (let ((faults (gensym "FAULTS")))
    `(with-read-faults (,faults)
       (let* ,bindings
         (when (= ,faults 0) ,@body)))))
