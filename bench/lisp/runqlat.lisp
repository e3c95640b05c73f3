;;; How long tasks wait for a CPU: a histogram in powers of two of a
;;; microsecond.

(import-kernel-struct task-struct --state pid)

(defconstant +slots+ 26)
(defconstant +task-running+ 0)

(defmap woken :type :hash :key u32 :value u64 :max-entries 10240)
(defmap latency-us :type :array :key u32 :value u64 :max-entries +slots+)

(defmacro enqueue (task)
  `(let ((pid (task-struct-pid ,task)))
     (when (/= pid 0)
       (setf (getmap woken pid) (ktime-get-ns)))))

(defprog on-wakeup (:type :tp-btf :section "tp_btf/sched_wakeup" :license "GPL" :args (p))
  (enqueue p)
  0)

(defprog on-wakeup-new (:type :tp-btf :section "tp_btf/sched_wakeup_new" :license "GPL" :args (p))
  (enqueue p)
  0)

(defprog on-switch (:type :tp-btf :section "tp_btf/sched_switch" :license "GPL" :args (preempt prev next))
  ;; A task that was preempted waits again.
  (when (= (task-struct---state prev) +task-running+)
    (enqueue prev))
  (let ((pid (task-struct-pid next)))
    (when-let ((start (map-lookup woken pid)))
      (let ((delta (- (ktime-get-ns) (load u64 start))))
        (when (s>= delta 0)
          (incf (getmap latency-us (min (log2 (/ delta 1000)) (- +slots+ 1))))))
      (remmap woken pid)))
  0)
