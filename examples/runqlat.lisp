;;; How long tasks wait for a CPU: a histogram of run-queue latency in
;;; powers of two of a microsecond.
;;;
;;;   whistler run examples/runqlat.lisp --duration 10s
;;;
;;; Compiling it reads the formats of two tracepoints, which needs tracefs
;;; (mount -t tracefs tracefs /sys/kernel/tracing).

(deftracepoint sched/sched_wakeup pid)
(deftracepoint sched/sched_switch next-pid)

(defmap woken :type :lru-hash :key u32 :value u64 :max-entries 16384)
(defmap latency-us :type :array :key u32 :value u64 :max-entries 32)

(defprog on-wakeup (:type :tracepoint :section "tracepoint/sched/sched_wakeup")
  (setf (getmap woken (tp-pid)) (ktime-get-ns))
  0)

(defprog on-switch (:type :tracepoint :section "tracepoint/sched/sched_switch")
  (let ((pid (tp-next-pid)))
    (when-let ((start (getmap woken pid)))
      (remmap woken pid)
      (incf (getmap latency-us (min 31 (log2 (/ (- (ktime-get-ns) start) 1000)))))))
  0)
