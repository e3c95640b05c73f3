;;; exec-watch.lisp — Who starts programs, and how often.
;;;
;;; SPDX-License-Identifier: MIT
;;;
;;; A kprobe on execve sends an event with the caller's ids, name and the first
;;; bytes of the path; a kretprobe counts failures by user.  Everything is in
;;; one file: compiling, loading and printing.
;;;
;;; Usage: sbcl --load exec-watch.lisp [seconds]

(require :asdf)
(asdf:load-system "whistler/loader")

(defpackage #:exec-watch
  (:use #:cl #:whistler #:whistler/loader)
  (:shadowing-import-from #:whistler #:incf #:decf)
  (:shadowing-import-from #:cl #:case #:defstruct))

(in-package #:exec-watch)

(whistler:defstruct exec-event
  (when-ns u64)
  (pid     u32)
  (uid     u32)
  (comm    (array u8 16))
  (path    (array u8 32)))

(defun bytes-to-string (bytes)
  "The characters up to the first NUL."
  (let ((end (or (position 0 bytes) (length bytes))))
    (map 'string #'code-char (subseq bytes 0 end))))

(defun print-event (ev)
  (format t "~12d ~8d ~6d ~16a ~a~%"
          (floor (exec-event-record-when-ns ev) 1000000)
          (exec-event-record-pid ev)
          (exec-event-record-uid ev)
          (bytes-to-string (exec-event-record-comm ev))
          (bytes-to-string (exec-event-record-path ev))))

(defun run (&optional (seconds 10))
  (format *error-output* "Compiling and loading...~%")
  (with-bpf-session ()
    ;; ---- in the kernel ----
    (bpf:map execs :type :ringbuf :max-entries (* 64 1024))
    (bpf:map failures :type :hash :key-size 4 :value-size 8 :max-entries 1024)

    (bpf:prog watch-exec (:type :kprobe
                          :section "kprobe/__x64_sys_execve"
                          :license "GPL")
      (with-ringbuf (ev execs (sizeof exec-event))
        (memset ev 0 0 (sizeof exec-event))
        (fill-process-info ev
          :pid-field       exec-event-pid
          :uid-field       exec-event-uid
          :timestamp-field exec-event-when-ns
          :comm-field      exec-event-comm-ptr
          :comm-size       16)
        (probe-read-user-str (exec-event-path-ptr ev) 32 (pt-regs-parm1)))
      0)

    (bpf:prog watch-exec-ret (:type :kprobe
                              :section "kretprobe/__x64_sys_execve"
                              :license "GPL")
      (let ((ret (pt-regs-ret))
            (uid (cast u32 (get-current-uid-gid))))
        (when (s< ret 0)
          (incf (getmap failures uid))))
      0)

    ;; ---- in user space ----
    (bpf:attach watch-exec "__x64_sys_execve")
    (bpf:attach watch-exec-ret "__x64_sys_execve")
    (let ((consumer (open-ring-consumer
                     (cdr (assoc "execs" (bpf-session-maps *bpf-session*) :test #'string=))
                     (lambda (sap len)
                       (let ((buf (make-array len :element-type '(unsigned-byte 8))))
                         (cl:dotimes (i len)
                           (setf (aref buf i) (sb-sys:sap-ref-8 sap i)))
                         (print-event (decode-exec-event buf)))))))
      (unwind-protect
           (handler-case
               (loop repeat seconds
                     do (ring-poll consumer :timeout-ms 1000))
             (sb-sys:interactive-interrupt ()
               (format t "~&Interrupted.~%")))
        (close-ring-consumer consumer)
        (format t "failures of root: ~d~%" (or (bpf:map-ref failures 0) 0))))))

(run (parse-integer (or (second sb-ext:*posix-argv*) "10")))
