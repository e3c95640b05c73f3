;;; sched-wait.lisp — How long threads wait for a processor.
;;;
;;; The wakeup tracepoint notes when a thread became runnable, the switch
;;; tracepoint takes the time until it runs, in powers of two of microseconds,
;;; per processor.  Threads that lose the processor while runnable wait again.

(in-package #:whistler)

(defconstant +task-running+ 0)
(defconstant +slots+ 24)

;; thread -> when it became runnable
(defmap runnable :type :lru-hash
  :key-size 4 :value-size 8 :max-entries 10240)

(defmap waits :type :percpu-array
  :key-size 4 :value-size 8 :max-entries 24)

(defmap switches :type :percpu-hash
  :key-size 4 :value-size 8 :max-entries 1024)

;;; The records: 8 bytes that all have in common, then the event's own

(defmacro define-fields (prefix &rest fields)
  "(name type offset)... become macros PREFIX-NAME without arguments."
  `(progn
     ,@(loop for (name type offset) in fields
             collect `(defmacro ,(intern (format nil "~a-~a" prefix name)) ()
                        '(ctx-load ,type ,offset)))))

(define-fields wakeup
  (pid  u32 24)
  (prio u32 28)
  (cpu  u32 32))

(define-fields switch
  (prev-pid   u32 24)
  (prev-prio  u32 28)
  (prev-state u64 32)
  (next-pid   u32 56)
  (next-prio  u32 60))

(defmacro note-runnable (pid)
  `(let ((ts (ktime-get-ns))
         (p  ,pid))
     (declare (type u64 ts) (type u32 p))
     (when p                               ; the idle thread is always runnable
       (map-update runnable p ts BPF_ANY))))

(defprog on-wakeup (:type :tracepoint
                    :section "tracepoint/sched/sched_wakeup"
                    :license "GPL")
  (note-runnable (wakeup-pid))
  0)

(defprog on-switch (:type :tracepoint
                    :section "tracepoint/sched/sched_switch"
                    :license "GPL")
  (let ((prev  (switch-prev-pid))
        (next  (switch-next-pid))
        (state (switch-prev-state)))
    (declare (type u32 prev next))
    (when (= state +task-running+)
      (note-runnable prev))
    (incf (getmap switches next))

    (let ((since (map-lookup runnable next)))
      (declare (type u64 since))
      (unless since
        (return 0))
      (let ((us (/ (- (ktime-get-ns) (load u64 since 0)) 1000))
            (slot 0))
        (declare (type u32 slot))
        (setf slot (log2 us))
        (when (>= slot +slots+)
          (setf slot (- +slots+ 1)))
        (when-let ((n (map-lookup waits slot)))
          (atomic-add n 0 1)))
      (map-delete runnable next)))
  0)
