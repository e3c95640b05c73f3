;;; Older spellings, which draw a warning.

(defmacro ctx-load (type offset)
  "The older spelling of (ctx type offset), or better (ctx field)."
  (%warn 'ctx-load "`ctx-load` is an older spelling" "write (ctx field), or (ctx type offset)" "older-spelling")
  `(ctx ,type ,offset))

(defmacro ctx-store (type offset value)
  "The older spelling of (setf (ctx type offset) value), or better (setf (ctx field) value)."
  (%warn 'ctx-store "`ctx-store` is an older spelling" "write (setf (ctx field) value)" "older-spelling")
  `(setf (ctx ,type ,offset) ,value))

;; Structs by their names, and kernel memory at an offset.

(defmacro kernel-load (type pointer offset)
  "A number of that type at the kernel's address pointer + offset, read with probe-read-kernel; 0 where it cannot be read."
  (let ((buf (gensym "BUF")) (size (sizeof type)))
    `(let ((,buf (struct-alloc ,size)))
       (%read-result (probe-read-kernel ,buf ,size (+ ,pointer ,offset)))
       (load ,type ,buf))))

(defun %accessor (struct field)
  (intern (format nil "~a-~a" (symbol-name struct) (symbol-name field))))

(defmacro struct-ref (struct pointer field)
  "The older spelling of (struct-field pointer)."
  `(,(%accessor struct field) ,pointer))

(defmacro struct-set (struct pointer field value)
  "The older spelling of (setf (struct-field pointer) value)."
  `(setf (,(%accessor struct field) ,pointer) ,value))

(defmacro %setf-struct-ref (struct pointer field value)
  `(struct-set ,struct ,pointer ,field ,value))
