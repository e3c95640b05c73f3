;;; Ring buffers and what events carry.

(defmacro with-ringbuf ((var map size &key (flags 0)) &body body)
  "Reserves size bytes in a ring buffer, evaluates body with var pointing to them, and submits them with flags: 0, BPF_RB_NO_WAKEUP or BPF_RB_FORCE_WAKEUP. The bytes are not zeroed. A return out of body discards them. Gives 1, or 0 where the buffer is full and body is skipped."
  (when (and (consp size) (eq (car size) 'sizeof) (consp (cdr size)) (struct-p (second size)))
    (%map-set-event map (second size)))
  `(let ((,var (ringbuf-reserve ,map ,size 0)))
     (when ,var
       (%unwind (ringbuf-discard ,var 0) ,@body)
       (ringbuf-submit ,var ,flags)
       1)))

(defmacro fill-process-info (event &key pid-field tid-field uid-field gid-field timestamp-field comm-field (comm-size 16))
  "Stores who the current process is into the fields of a struct that event points to. Each keyword names an accessor, such as my-event-pid: :pid-field stores the process id as user space knows it, :tid-field the thread id, :uid-field and :gid-field the user and group, :timestamp-field the time since boot in nanoseconds. :comm-field, such as my-event-comm or my-event-comm-ptr, is filled with comm-size bytes of the command's name."
  (let ((e (gensym "EVENT")) (ids (gensym "IDS")))
    (flet ((field (name)
             (unless (and (symbolp name) (not (keywordp name)))
               (%fail name "a field is named by its accessor" "such as my-event-pid" nil "unknown-field"))
             name))
      `(%once ((,e ,event))
         ,@(when (or pid-field tid-field)
             `((%once ((,ids (get-current-pid-tgid)))
                 ,@(when pid-field `((setf (,(field pid-field) ,e) (>> ,ids 32))))
                 ,@(when tid-field `((setf (,(field tid-field) ,e) (logand ,ids #xffffffff)))))))
         ,@(when (or uid-field gid-field)
             `((%once ((,ids (get-current-uid-gid)))
                 ,@(when uid-field `((setf (,(field uid-field) ,e) (logand ,ids #xffffffff))))
                 ,@(when gid-field `((setf (,(field gid-field) ,e) (>> ,ids 32)))))))
         ,@(when timestamp-field
             `((setf (,(field timestamp-field) ,e) (ktime-get-ns))))
         ,@(when comm-field
             (let* ((name (symbol-name (field comm-field))) (n (length name)))
               `((get-current-comm
                  (,(if (and (> n 4) (string= (subseq name (- n 4)) "-PTR")) comm-field (intern (concatenate 'string name "-PTR"))) ,e)
                  ,comm-size))))
         0))))
