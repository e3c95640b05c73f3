; What older sources write, and how it goes wrong.
(defmap conn :type :hash :key-size 4 :value-size 8 :max-entries 16)
(define-setf-expander two-stores (x) (values nil nil (list 'a 'b) x x))
(define-setf-expander failing (x) (error "no place for ~a" x)) ; ERROR 35: "no place for 1"
(defmap long :type :hash :key-size 12 :value-size 8 :max-entries 16)
(defstruct short (a u32) (b u16))
(defprog a (:type :xdp)
  (asm #x85 0 0 0 1) ; ERROR 8: "calls of helpers with arguments"
  (asm #x85 0 1 0 5) ; ERROR 8: "cannot emit this call"
  (asm #x85 0 0 0 99999) ; ERROR 8: "cannot emit this call"
  (labels ((up (x) (down x)) (down (x) (up x))) (up 1)) ; ERROR 41: "`up` calls itself"
  (labels 5 1) ; ERROR 11: "functions of `labels` must be a list"
  (setf (two-stores 1) 2) ; ERROR 9: "place of 2 values"
  (setmap conn 1 2 BPF_ANY 3) ; ERROR 3: "too many arguments"
  (let ((p 0) (n 0)) (setf n p) (setf p (ctx data)) n) ; ERROR 39: "cannot hold a pointer"
  (let ((p 1)) (setf p (ctx data))) ; ERROR 22: "cannot hold a pointer"
  (let ((p u32 0)) (setf p (ctx data))) ; ERROR 26: "cannot hold a pointer"
  (setf (failing 1) 2)
  (let ((s (make-short)) (v u32 1))
    (map-lookup-ptr long s) ; ERROR 26: "reads 12 bytes, the key of `long`, and there are 8"
    (map-delete-ptr long (+ (struct-alloc 16) 8)) ; ERROR 26: "there are 8"
    (map-update-ptr conn (stack-addr v) (stack-addr v) 0)) ; ERROR 41: "reads 8 bytes, the value of `conn`, and there are 4"
  XDP_PASS)
