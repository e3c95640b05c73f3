;;; alloc-sizes.lisp — Histograms of what a process asks malloc and writev for.
;;;
;;; Uprobes: malloc's sizes go into a histogram of powers of two per process
;;; name; writev's vector is walked in user memory; the uretprobe of malloc
;;; counts refusals.
;;;
;;;   sbcl --load alloc-sizes.lisp /lib/x86_64-linux-gnu/libc.so.6

(in-package #:whistler)

(defconstant +max-slots+ 20)
(defconstant +max-iov+ 8)

(defstruct hist-key
  (comm (array u8 16))
  (slot u32)
  (pad  u32))

(defstruct iovec
  (base u64)
  (len  u64))

(defun slot-name (slot)
  (format nil "~d..~d" (ash 1 slot) (1- (ash 1 (1+ slot)))))

(defun run (libc)
  (whistler/loader:with-bpf-session ()
    (bpf:map sizes :type :hash :key-size 24 :value-size 8 :max-entries 4096)
    (bpf:map refused :type :lru-hash :key-size 4 :value-size 4 :max-entries 128)
    (bpf:map vectors :type :percpu-array :key-size 4 :value-size 8 :max-entries 3)

    (bpf:prog on-malloc (:type :kprobe :section "uprobe/malloc" :license "GPL")
      (let ((key  (make-hist-key))
            (size (pt-regs-parm1)))
        (get-current-comm (hist-key-comm-ptr key) 16)
        (let ((slot (log2 size)))
          (when (>= slot +max-slots+)
            (setf slot (- +max-slots+ 1)))
          (setf (hist-key-slot key) slot))
        (incf (getmap sizes key)))
      0)

    (bpf:prog on-malloc-ret (:type :kprobe :section "uretprobe/malloc" :license "GPL")
      (when (= (pt-regs-ret) 0)
        (let ((pid (cast u32 (>> (get-current-pid-tgid) 32))))
          (incf (getmap refused pid))))
      0)

    ;; writev(fd, iov, iovcnt): bytes, entries, and vectors that are too long
    (bpf:prog on-writev (:type :kprobe :section "uprobe/writev" :license "GPL")
      (let ((iov   (pt-regs-parm2))
            (count (pt-regs-parm3))
            (total 0))
        (declare (type u64 total))
        (when (> count +max-iov+)
          (incf (getmap vectors 2))
          (return 0))
        (do-user-array (v iovec iov count +max-iov+ :index i)
          (incf (getmap vectors 1))
          (incf total (iovec-len v)))
        (incf (getmap vectors 0) total))
      0)

    (bpf:attach on-malloc libc "malloc")
    (bpf:attach on-malloc-ret libc "malloc")
    (bpf:attach on-writev libc "writev")
    (handler-case (loop (sleep 1))
      (sb-sys:interactive-interrupt ()
        (let ((m (whistler/loader:bpf-session-map 'sizes))
              (key nil))
          (loop
            (let ((next (whistler/loader:map-get-next-key m key)))
              (unless next (return))
              (format t "~a ~a~%" (slot-name (aref next 16))
                      (whistler/loader:decode-int-value
                       (whistler/loader:map-lookup m next)))
              (setf key next))))))))

(run (or (second sb-ext:*posix-argv*) "/lib64/libc.so.6"))
