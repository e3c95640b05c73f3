;;; Maps: the high-level forms. %find, %with-key and %with-value choose
;;; scalar or pointer passing from the types of the map.

(defmacro map-update (map key value flags)
  "Stores value under key: 0, or a negative error number. Flags: BPF_ANY, BPF_NOEXIST or BPF_EXIST."
  (let ((k (gensym "KEY")) (v (gensym "VALUE")))
    `(%with-key (,k ,map ,key)
       (%with-value (,v ,map ,value)
         (map-update-ptr ,map ,k ,v ,flags)))))

(defmacro map-delete (map key)
  "Deletes the entry of key: 0, or a negative error number."
  (let ((k (gensym "KEY")))
    `(%with-key (,k ,map ,key) (map-delete-ptr ,map ,k))))

(defmacro getmap (map key &optional (default 0))
  "The value of key: a number, or a pointer to a struct value. Default, 0 if not given, where there is no entry."
  (let ((p (gensym "P")))
    `(%once ((,p (%find ,map ,key)))
       (if ,p (%value ,map ,p) ,default))))

(defmacro %setf-getmap (map key value)
  `(setmap ,map ,key ,value))

(defmacro remmap (map key)
  "Deletes the entry of key: 0, or a negative error number."
  `(map-delete ,map ,key))

(defmacro setmap (map key value &optional (flags 'BPF_ANY))
  "The same as (setf (getmap map key) value), with the flags of map-update if given. Gives the value."
  (let ((k (gensym "KEY")) (v (gensym "VALUE")) (p (gensym "P")))
    `(%with-key (,k ,map ,key)
       (%once ((,v ,value))
         (%with-value (,p ,map ,v)
           (map-update-ptr ,map ,k ,p ,flags))
         ,v))))

(defmacro delmap (map key)
  "The same as (remmap map key)."
  `(remmap ,map ,key))

(defmacro incf-map (map key &optional (delta 1))
  "The same as (incf (getmap map key) delta)."
  `(incf (getmap ,map ,key) ,delta))

;; A counter never loses a count: where an entry is missing it is created
;; with BPF_NOEXIST, and if another CPU was faster, its entry is increased.
(defmacro %incf-getmap (map key delta)
  (let ((size (map-value-size map)) (type (map-value-type map))
        (d (gensym "DELTA")) (p (gensym "P")) (q (gensym "Q")) (k (gensym "KEY")) (v (gensym "VALUE")))
    (when (member (map-kind map) '(:array-of-maps :hash-of-maps))
      (%fail map (format nil "the values of `~(~a~)` are maps, not numbers" map)
             "the map in it: (when-let ((m (getmap map key))) (incf (getmap m k)))" nil "wrong-map-type"))
    (unless (and (member size '(1 2 4 8)) (symbolp type) (not (struct-p type)))
      (%fail map (format nil "the values of `~(~a~)` are not numbers (~a bytes)" map size)
             "a map with values of 1, 2, 4 or 8 bytes" "look the struct up and increase its field, or use atomic-add" "wrong-map-type"))
    (when (and (< size 4) (not (map-per-cpu-p map)))
      (%warn map (format nil "values of ~a byte~:p cannot be increased atomically: counts may be lost" size)
             "use 4- or 8-byte values, or a per-CPU map" "not-atomic"))
    (flet ((up (p)
             (if (or (< size 4) (map-per-cpu-p map))
                 (let ((n (gensym "N")))
                   `(%once ((,n (cast ,type (+ (load ,type ,p 0) ,d)))) (store ,type ,p 0 ,n) ,n))
                 `(cast ,type (+ (atomic-fetch-add ,p 0 ,d ,type) ,d)))))
      (if (map-array-p map)
          `(%once ((,p (%find ,map ,key)) (,d ,delta))
             (if ,p ,(up p) 0))
          `(%with-key (,k ,map ,key)
             (%once ((,d ,delta) (,p (map-lookup-ptr ,map ,k)))
               (if ,p
                   ,(up p)
                   (%with-value (,v ,map (cast ,type ,d))
                     (if (= (map-update-ptr ,map ,k ,v BPF_NOEXIST) 0)
                         (cast ,type ,d)
                         (%once ((,q (map-lookup-ptr ,map ,k)))
                           (if ,q ,(up q) 0)))))))))))
