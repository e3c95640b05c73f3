;;; The kernel's objects: locks, dynptrs.

(defmacro with-spin-lock ((pointer) &body body)
  "Takes the lock in the map value that pointer points to, evaluates body and lets the lock go, on every way out of body as well. Gives the value of body. The value's struct has a field of type bpf-spin-lock; pointer may point to that field itself. The kernel allows no calls of helpers while a lock is held, nor a second lock."
  (let ((lock (gensym "LOCK")))
    `(%once ((,lock (%lock-in ,pointer)))
       (spin-lock ,lock)
       (prog1 (%unwind (spin-unlock ,lock) ,@body)
         (spin-unlock ,lock)))))

(defmacro with-dynptr ((var make &key (flags 0)) &body body)
  "Makes a dynptr and evaluates body with var pointing to it, where that succeeded. Make is the call that makes it, without its last argument: (dynptr-from-mem value size 0), (ringbuf-reserve-dynptr map size 0), (bpf-dynptr-from-xdp (ctx-ptr) 0). A record of a ring buffer is submitted with flags after the body; a return out of it discards the record. dynptr-read, dynptr-write, dynptr-data and the kernel functions for dynptrs take var; nothing else may touch its bytes. Gives the value of body, or 0."
  (unless (and (consp make) (symbolp (car make)))
    (%fail make "a dynptr is made by a call" "such as (dynptr-from-mem value size 0)" nil "bad-binding"))
  (let ((call (append make (list var))))
    `(%with-dynptr-room (,var)
       ,(if (eq (car make) 'ringbuf-reserve-dynptr)
            `(if (= ,call 0)
                 (prog1 (%unwind (ringbuf-discard-dynptr ,var 0) ,@body)
                   (ringbuf-submit-dynptr ,var ,flags))
                 (progn (ringbuf-discard-dynptr ,var 0) 0))
            `(if (= ,call 0) (progn ,@body) 0)))))
