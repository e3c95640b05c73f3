;;; alloc-watch.lisp — Sizes and latencies of malloc, by program.
;;;
;;; A uprobe remembers when each thread called and how much it wanted, a
;;; uretprobe makes a log2 histogram per program of it.  The caller may name
;;; an array of sizes, which is read from its memory.

(in-package #:whistler)

(defstruct call-info
  (start u64)
  (size  u64))

(defstruct hist-key
  (comm (array u8 16))
  (slot u32)
  (pad  u32))             ; 24 bytes

(defstruct request
  (count u32)
  (kind  u32)
  (sizes u64))            ; a pointer of the process

(defconstant +max-slots+ 20)
(defconstant +max-sizes+ 4)

(defmap calls :type :hash
  :key-size 8 :value-type call-info :max-entries 10240)

(defmap size-hist :type :hash
  :key-size 24 :value-size 8 :max-entries 10240)

(defmap failures :type :array
  :key-size 4 :value-size 8 :max-entries 1)

(defmap bulk :type :array
  :key-size 4 :value-size 8 :max-entries 2)

(defprog malloc-enter (:type :kprobe
                       :section "uprobe//usr/lib/x86_64-linux-gnu/libc.so.6:malloc"
                       :license "GPL")
  (let ((id (get-current-pid-tgid))
        (info (make-call-info)))
    (setf (call-info-start info) (ktime-get-ns)
          (call-info-size info)  (pt-regs-parm1))
    (setf (getmap calls id) info))
  0)

(defprog malloc-exit (:type :kprobe
                      :section "uretprobe//usr/lib/x86_64-linux-gnu/libc.so.6:malloc"
                      :license "GPL")
  (let* ((id   (get-current-pid-tgid))
         (info (getmap calls id)))
    (unless info
      (return 0))
    (if (= (pt-regs-ret) 0)
        (incf (getmap failures 0))
        (let ((key (make-hist-key))
              (slot (log2 (call-info-size info))))
          (when (>= slot +max-slots+)
            (setf slot (- +max-slots+ 1)))
          (get-current-comm (hist-key-comm-ptr key) 16)
          (setf (hist-key-slot key) slot)
          (incf (getmap size-hist key))))
    (remmap calls id))
  0)

;;; A pool that takes many sizes at once

(defprog pool-alloc (:type :kprobe :section "uprobe//bin/true:pool_alloc" :license "GPL")
  (let ((req (make-request)))
    (probe-read-user req (sizeof request) (pt-regs-parm1))
    (when (= (request-kind req) 1)
      (do-user-array (size u32 (request-sizes req) (request-count req)
                           +max-sizes+ :index i)
        (incf (getmap bulk 0) size)
        (incf (getmap bulk 1) i))))
  0)
