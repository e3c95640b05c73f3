;; A field that was renamed in Linux 5.14: one object for both names.
(import-kernel-struct task-struct tgid (--state u32) (state i64))

(defmap who :type :array :key u32 :value u32 :max-entries 1)
(defmap seen :type :array :key u32 :value u64 :max-entries 2)

(defprog look (:type :raw-tracepoint :section "raw_tp/sys_enter")
  (let ((task (get-current-task)))
    (when (= (task-struct-tgid task) (getmap who 0))
      (with-read-faults (fault)
        (let ((state (if (field-exists task-struct state)
                         (cast u64 (task-struct-state task))
                         (task-struct---state task))))
          (when (= fault 0) ; a process in a system call runs: its state is 0
            (incf (getmap seen 0))
            (setf (getmap seen 1) state))))))
  0)
