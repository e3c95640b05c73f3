;;; Prints every process that is made: its parent, and its number. The program
;;; for the kernel and the one that reads what it sends are one file.
;;;
;;;   whistler run examples/forks.lisp [NAME]
;;;
;;; With a name only forks of processes that are called so. Ctrl-C ends it.

(deftracepoint sched/sched_process_fork parent-pid child-pid)

(defstruct fork
  (parent u32)
  (child u32)
  (comm (array u8 16)))

(with-bpf-session ()
  (bpf:map forks :type :ringbuf :max-entries 65536 :event fork)
  (bpf:prog on-fork (:type :tracepoint :section "tracepoint/sched/sched_process_fork" :license "GPL")
    (with-ringbuf (e forks (sizeof fork))
      (setf (fork-parent e) (tp-parent-pid)
            (fork-child e) (tp-child-pid))
      (get-current-comm (fork-comm-ptr e) 16))
    0)

  (let ((only (first (command-line-args)))
        (count 0))
    (bpf:attach on-fork)
    (format t "~12a ~8a ~8a~%" "COMMAND" "PARENT" "CHILD")
    (unwind-protect
        (with-decoding-ring-consumer (consumer forks
                                               (lambda (f)
                                                 (let ((comm (byte-string (fork-comm f))))
                                                   (when (or (null only) (string= comm only))
                                                     (incf count)
                                                     (format t "~12a ~8d ~8d~%" comm (fork-parent f) (fork-child f))))))
          (loop (ring-poll consumer)))
      (format t "~d fork~:p~%" count))))
