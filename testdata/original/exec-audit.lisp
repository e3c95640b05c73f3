;;; exec-audit.lisp — Who starts what: one file for kernel and user space.
;;;
;;; Two tracepoint programs and a kprobe live in a session.  The code around
;;; them attaches them and prints; compiling takes the declarations only.
;;;
;;; Usage: sudo sbcl --load exec-audit.lisp

(require :asdf)
(asdf:load-system "whistler/loader")

(defpackage #:exec-audit
  (:use #:cl #:whistler #:whistler/loader)
  (:shadowing-import-from #:whistler #:incf #:decf)
  (:shadowing-import-from #:cl #:case #:defstruct))

(in-package #:exec-audit)

(whistler:defstruct exec-event
  (ts   u64)
  (pid  u32)
  (uid  u32)
  (comm (array u8 16)))

(defconstant +watched-uid+ 1000)

(defun comm-string (bytes)
  "The text in front of the first zero byte."
  (map 'string #'code-char
       (subseq bytes 0 (or (position 0 bytes) (length bytes)))))

(defun report (buf)
  (let ((ev (decode-exec-event buf)))
    (format t "~12d ~6d ~6d ~a~%"
            (exec-event-record-ts ev) (exec-event-record-pid ev)
            (exec-event-record-uid ev) (comm-string (exec-event-record-comm ev)))))

(defun run-audit (&optional (seconds 60))
  (format *error-output* "Loading...~%")
  (whistler/loader:with-bpf-session ()
    ;; Kernel side
    (bpf:map events :type :ringbuf :max-entries 8192)
    (bpf:map by-uid :type :hash :key-size 4 :value-size 8 :max-entries 512)
    (bpf:map exits :type :percpu-array :key-size 4 :value-size 8 :max-entries 1)

    (bpf:prog on-exec (:type :tracepoint
                       :section "tracepoint/sched/sched_process_exec"
                       :license "GPL")
      (let ((uid (cast u32 (get-current-uid-gid))))
        (incf (getmap by-uid uid))
        (when (= uid +watched-uid+)
          (with-ringbuf (ev events (sizeof exec-event))
            (memset ev 0 0 (sizeof exec-event))
            (fill-process-info ev
              :pid-field       exec-event-pid
              :uid-field       exec-event-uid
              :timestamp-field exec-event-ts
              :comm-field      exec-event-comm-ptr
              :comm-size       16))))
      0)

    (bpf:prog on-exit (:type :tracepoint
                       :section "tracepoint/sched/sched_process_exit"
                       :license "GPL")
      (incf (getmap exits 0))
      0)

    (bpf:prog on-unlink (:type :kprobe :section "kprobe/do_unlinkat" :license "GPL")
      (let ((uid (cast u32 (get-current-uid-gid)))
            (dfd (cast u32 (pt-regs-parm1))))
        (declare (type u32 uid dfd))
        (when (= dfd #xffffff9c)
          (incf (getmap by-uid uid) 100)))
      0)

    ;; User space
    (bpf:attach on-exec "tracepoint/sched/sched_process_exec")
    (bpf:attach on-exit "tracepoint/sched/sched_process_exit")
    (bpf:attach on-unlink "do_unlinkat")
    (handler-case
        (let ((consumer (open-ring-consumer
                         (cdr (assoc "events" (bpf-session-maps *bpf-session*)
                                     :test #'string=))
                         (lambda (sap len)
                           (declare (ignore sap len))
                           (report (make-array 32 :initial-element 0))))))
          (unwind-protect
               (loop repeat seconds
                     do (ring-poll consumer :timeout-ms 1000))
            (close-ring-consumer consumer)))
      (sb-sys:interactive-interrupt ()
        (format t "~&exits: ~d~%" (or (bpf:map-ref exits 0) 0))))))

(run-audit (or (parse-integer (or (second sb-ext:*posix-argv*) "") :junk-allowed t) 60))
