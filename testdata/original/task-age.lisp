;;; task-age.lisp — kprobes on the scheduler and on vfs_read.
;;;
;;; Reads words of kernel structures with kernel-load and probe-read-kernel,
;;; pointers that a user program passes with do-user-ptrs, and counts by
;;; command name, whose sixteen bytes are the key.

(in-package #:whistler)

(defstruct comm-key
  (comm (array u8 16)))

(defstruct read-stat
  (calls   u64)
  (bytes   u64)
  (largest u64))

(defstruct iovec
  (base u64)
  (len  u64))

(defconstant +max-iovecs+ 8)

(defmap reads :type :lru-hash
  :key-size 16 :value-size 24 :max-entries 1024)

(defmap iov-stats :type :array
  :key-size 4 :value-size 8 :max-entries 3)

(defmap headers :type :hash
  :key-size 4 :value-size 4 :max-entries 64)

(defprog on-read (:type :kprobe :section "kprobe/vfs_read" :license "GPL")
  (let ((key (make-comm-key))
        (count (pt-regs-parm3)))
    (get-current-comm key 16)
    (let ((stat (map-lookup-ptr reads key)))
      (if (= stat 0)
          (let ((new (make-read-stat)))
            (setf (read-stat-calls new)   1
                  (read-stat-bytes new)   count
                  (read-stat-largest new) count)
            (map-update-ptr reads key new BPF_NOEXIST))
          (progn
            (atomic-add stat 0 1)
            (atomic-add stat 8 count)
            (unless (<= count (read-stat-largest stat))
              (setf (read-stat-largest stat) count))))))
  0)

(defprog on-read-done (:type :kprobe :section "kretprobe/vfs_read" :license "GPL")
  (let ((n i64 (pt-regs-ret)))
    (cond
      ((< n 0) (incf (getmap iov-stats 0)))
      ((= n 0) (incf (getmap iov-stats 1)))
      (t       (incf (getmap iov-stats 2) n))))
  0)

;; readv-like: an array of pointers to headers in parm1, their number in parm2
(defprog on-headers (:type :kprobe :section "uprobe//bin/true:send_all" :license "GPL")
  (let ((iov (make-iovec)))
    (do-user-ptrs (p (pt-regs-parm1) (pt-regs-parm2) +max-iovecs+ :index i)
      (probe-read-user iov (sizeof iovec) p)
      (setf (getmap headers i) (iovec-len iov))))
  0)

(defprog on-switch (:type :kprobe :section "kprobe/finish_task_switch.isra.0" :license "GPL")
  (let* ((task (pt-regs-parm1))
         (word (kernel-load u32 task 4))
         (next (kernel-load u64 task 8)))
    (when (and (/= word 0) (= (logand next 7) 0))
      (incf (getmap headers word))))
  0)
