;;; syscall-mix.lisp — Which system calls a machine is made of.
;;;
;;; A raw tracepoint has its arguments as an array: of sys_enter the registers
;;; and the call's number.  Calls are counted per number and processor; those
;;; of one process can be followed into a ring buffer.  A second program on
;;; sys_exit counts failures by call.
;;;
;;; exception: section 15, "an unknown section is an error": the programs were
;;; in sections "test_run/enter" and "test_run/exit".

(in-package #:whistler)

(defconstant +max-syscalls+ 512)

(defstruct call-note
  (pid u32)
  (nr  u32))

(defmap calls :type :percpu-array
  :key-size 4 :value-size 8 :max-entries 512)

(defmap failures :type :hash
  :key-size 4 :value-size 8 :max-entries 512)

;; process -> wanted
(defmap followed :type :hash
  :key-size 4 :value-size 1 :max-entries 16)

(defmap notes :type :ringbuf
  :key-size 0 :value-size 0 :max-entries 8192)

(defmacro current-pid ()
  `(cast u32 (>> (get-current-pid-tgid) 32)))

(defprog on-enter (:type :raw-tracepoint :section "raw_tp/sys_enter" :license "GPL")
  (let ((nr (ctx-load u64 8)))
    (when (>= nr +max-syscalls+)
      (return 0))
    (incf (getmap calls nr))
    (let ((pid (current-pid)))
      (when (getmap followed pid)
        (with-ringbuf (n notes (sizeof call-note))
          (setf (call-note-pid n) pid
                (call-note-nr n)  nr)))))
  0)

;; sys_exit has the registers and the result; the number is the caller's
;; orig_rax, at offset 120 of struct pt_regs.
(defprog on-exit (:type :raw-tracepoint :section "raw_tp/sys_exit" :license "GPL")
  (let ((ret (ctx-load i64 8)))
    (declare (type i64 ret))
    (when (s< ret 0)
      (let ((regs (ctx-load u64 0))
            (nr u32 0))
        (when (= (probe-read-kernel (stack-addr nr) 4 (+ regs 120)) 0)
          (incf (getmap failures nr))))))
  0)
