;; The same, where the verifier knows the pointer: plain loads.
(import-kernel-struct task-struct
  pid tgid comm real-parent->tgid sched-reset-on-fork mm->arg-start)

(defstruct report
  (pid i32) (tgid i32) (parent i32) (reset-on-fork u32) (arg-start u64) (comm (array u8 16)))

(defmap who :type :array :key u32 :value u32 :max-entries 1)
(defmap seen :type :array :key u32 :value u64 :max-entries 1)
(defmap reports :type :array :key u32 :value report :max-entries 1)

(defprog look (:type :tp-btf :section "tp_btf/sys_enter")
  (let ((task (get-current-task-btf)))
    (when (= (task-struct-tgid task) (getmap who 0))
      (when-let ((r (getmap reports 0)))
        (setf (report-pid r) (task-struct-pid task)
              (report-tgid r) (task-struct-tgid task)
              (report-parent r) (task-struct-real-parent-tgid task)
              (report-reset-on-fork r) (task-struct-sched-reset-on-fork task)
              (report-arg-start r) (task-struct-mm-arg-start task))
        (probe-read-kernel (report-comm-ptr r) 16 (task-struct-comm task))
        (incf (getmap seen 0)))))
  0)
