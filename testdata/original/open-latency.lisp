;;; open-latency.lisp — How long openat takes, and which errors it gives.
;;;
;;; Two tracepoints: the entry notes the time and the path's first bytes under
;;; the thread's id, the exit takes them out again, files the latency and sends
;;; slow or failed calls to a ring buffer.  The records' fields are read by
;;; offset, as their format files have them.

(in-package #:whistler)

(defmacro enter-filename () `(ctx-load u64 24))
(defmacro enter-flags ()    `(ctx-load u64 32))
(defmacro exit-ret ()       `(ctx-load i64 16))

(defconstant +path-len+ 24)
(defconstant +o-creat+ #o100)
(defconstant +slow-ns+ (* 60 1000 1000 1000))

(defstruct open-start
  (ts    u64)
  (flags u32)
  (pad   u32)
  (path  (array u8 24)))

(defstruct open-report
  (pid   u32)
  (error u32)
  (path  (array u8 24)))

(defmap starts :type :hash
  :key-size 8 :value-type open-start :max-entries 10240)

(defmap errors :type :hash
  :key-size 4 :value-size 8 :max-entries 256)

(defmap creating :type :array
  :key-size 4 :value-size 8 :max-entries 2)

(defmap reports :type :ringbuf :max-entries 4096)

(defprog open-enter (:type :tracepoint
                     :section "tracepoint/syscalls/sys_enter_openat"
                     :license "GPL")
  (let* ((id    (get-current-pid-tgid))
         (start (make-open-start)))
    (setf (open-start-ts start)    (ktime-get-ns)
          (open-start-flags start) (enter-flags))
    (when (s< (probe-read-user-str (open-start-path-ptr start) +path-len+ (enter-filename)) 0)
      (return 0))
    (setf (getmap starts id) start))
  0)

(defprog open-exit (:type :tracepoint
                    :section "tracepoint/syscalls/sys_exit_openat"
                    :license "GPL")
  (let* ((id    (get-current-pid-tgid))
         (ret   (exit-ret))
         (start (getmap starts id)))
    (declare (type i64 ret))
    (when (= start 0)
      (return 0))
    (let ((took (- (ktime-get-ns) (open-start-ts start)))
          (err  0))
      (declare (type u64 took) (type u32 err))
      (incf (getmap creating (if (logand (open-start-flags start) +o-creat+) 1 0)))
      (when (s< ret 0)
        (setf err (- ret))
        (incf (getmap errors err)))
      (when (or err (> took +slow-ns+))
        (let ((ev (ringbuf-reserve reports (sizeof open-report) 0)))
          (unless ev
            (remmap starts id)
            (return 0))
          (setf (open-report-pid ev)   (>> id 32)
                (open-report-error ev) err)
          (memcpy ev 8 start 16 24)
          (if (= err 4)                  ; EINTR is nobody's fault
              (ringbuf-discard ev 0)
              (ringbuf-submit ev 0)))))
    (remmap starts id))
  0)
