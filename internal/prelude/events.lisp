;;; Ring buffers.

(defmacro with-ringbuf ((var map size &key (flags 0)) &body body)
  "Reserves size bytes in a ring buffer, evaluates body with var pointing to them, and submits them. A return out of body discards them first. Body is skipped where the buffer is full."
  (when (and (consp size) (eq (car size) 'sizeof) (struct-p (second size)))
    (%map-set-event map (second size)))
  `(let ((,var (ringbuf-reserve ,map ,size ,flags)))
     (when ,var
       (%unwind (ringbuf-discard ,var 0) ,@body)
       (ringbuf-submit ,var 0)
       1)))
