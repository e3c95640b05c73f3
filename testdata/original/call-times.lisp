;;; call-times.lisp — How long system calls take, and which files they open.
;;;
;;; The raw_syscalls tracepoints are read by offset, as their format files
;;; say.  Latencies go into a log2 histogram per call number; opened paths go
;;; to a ring buffer.
;;;
;;;   cat /sys/kernel/tracing/events/raw_syscalls/sys_enter/format

(in-package #:whistler)

(defmacro tp-sys-id ()   `(ctx-load u64 8))
(defmacro tp-sys-ret ()  `(ctx-load u64 16))
(defmacro tp-open-path () `(ctx-load u64 24))

(defconstant +slots+ 26)
(defconstant +path-len+ 32)

(defstruct slot-key
  (id   u32)
  (slot u32))

(defstruct open-event
  (pid  u32)
  (len  u32)
  (path (array u8 32)))

;; thread -> when it entered
(defmap entered :type :hash
  :key-size 8 :value-size 8 :max-entries 10240)

(defmap latency :type :hash
  :key-size 8 :value-size 8 :max-entries 10240)

(defmap failed :type :percpu-hash
  :key-size 8 :value-size 8 :max-entries 512)

(defmap opens :type :ringbuf
  :max-entries (* 64 1024))

(defprog on-enter (:type :tracepoint
                   :section "tracepoint/raw_syscalls/sys_enter"
                   :license "GPL")
  (let ((thread (get-current-pid-tgid))
        (now (ktime-get-ns)))
    (map-update entered thread now BPF_ANY))
  0)

(defprog on-leave (:type :tracepoint
                   :section "tracepoint/raw_syscalls/sys_exit"
                   :license "GPL")
  (let* ((thread (get-current-pid-tgid))
         (id  (tp-sys-id))
         (ret (tp-sys-ret))
         (tsp (map-lookup entered thread)))
    (when (= tsp 0)
      (return 0))
    (let* ((delta (- (ktime-get-ns) (load u64 tsp 0)))
           (us    (/ delta 1000))
           (slot  (log2 us))
           (key   (make-slot-key)))
      (declare (type u32 slot))
      (when (>= slot +slots+)
        (setf slot (- +slots+ 1)))
      (setf (slot-key-id key) id
            (slot-key-slot key) slot)
      (incf (getmap latency key))
      (when (s< ret 0)
        (incf (getmap failed id))))
    (map-delete entered thread))
  0)

(defprog on-open (:type :tracepoint
                  :section "tracepoint/syscalls/sys_enter_openat"
                  :license "GPL")
  (let ((ev (make-open-event))
        (path (tp-open-path)))
    (let ((n (probe-read-user-str (open-event-path-ptr ev) +path-len+ path)))
      (when (s<= n 1)
        (return 0))
      (setf (open-event-pid ev) (>> (get-current-pid-tgid) 32)
            (open-event-len ev) n)
      ;; Nothing below /proc
      (when (and (= (load u32 (open-event-path-ptr ev) 0) #x6f72702f)
                 (= (open-event-path ev 4) #\c))
        (printk "skipped %d bytes" n)
        (return 0))
      (ringbuf-output opens ev (sizeof open-event) 0)))
  0)
