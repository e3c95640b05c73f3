;;; Prints every program that the machine starts.
;;;
;;;   whistler run examples/exec-log.lisp

(defstruct exec
  (pid u32)
  (uid u32)
  (comm (array u8 16)))

(defmap execs :type :ringbuf :max-entries 65536 :event exec)

(defprog on-exec (:type :tracepoint :section "tracepoint/sched/sched_process_exec" :license "GPL")
  (with-ringbuf (e execs (sizeof exec))
    (setf (exec-pid e) (>> (get-current-pid-tgid) 32)
          (exec-uid e) (get-current-uid-gid))
    (get-current-comm (exec-comm-ptr e) 16))
  0)
