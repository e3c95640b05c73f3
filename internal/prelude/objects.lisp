;;; The kernel's objects: locks, dynptrs.

(defmacro with-spin-lock ((pointer) &body body)
  "Takes the lock in the map value that pointer points to, evaluates body and lets the lock go, on every way out of body as well. Gives the value of body. The value's struct has a field of type bpf-spin-lock; pointer may point to that field itself. The kernel allows no calls of helpers while a lock is held, nor a second lock."
  (let ((lock (gensym "LOCK")))
    `(%once ((,lock (%lock-in ,pointer)))
       (spin-lock ,lock)
       (prog1 (%unwind (spin-unlock ,lock) ,@body)
         (spin-unlock ,lock)))))
