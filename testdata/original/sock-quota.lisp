;;; sock-quota.lisp — How many sockets a user may make.
;;;
;;; A cgroup's sock_create program counts sockets by user and refuses those
;;; over a quota; raw sockets are for root.  A sockops program counts what
;;; becomes of connections.
;;;
;;; exception: section 15, "an unknown section is an error": the second program
;;; was declared :cgroup-sock with the section "sockops", which means :sock-ops.

(asdf:load-system "whistler/loader")
(in-package #:whistler-loader-user)

(whistler:defconstant +sock-raw+ 3)
(whistler:defconstant +default-quota+ 2)

(defun show (name value)
  (format t "~20a ~d~%" name (or value 0)))

(with-bpf-session ()
  (bpf:map sockets :type :hash :key-size 4 :value-size 8 :max-entries 1024)
  (bpf:map quotas :type :hash :key-size 4 :value-size 8 :max-entries 1024)
  (bpf:map outcomes :type :array :key-size 4 :value-size 8 :max-entries 16)

  (bpf:prog on-socket (:type :cgroup-sock
                       :section "cgroup/sock_create"
                       :license "GPL")
    (let* ((uid   (cast u32 (whistler:get-current-uid-gid)))
           (quota (whistler:getmap quotas uid)))
      (when (= quota 0)
        (setf quota +default-quota+))
      (when (and (= (ctx type) +sock-raw+) (/= uid 0))
        (return 0))
      (whistler:incf (getmap sockets uid))
      (if (> (getmap sockets uid) quota) 0 1)))

  (bpf:prog on-sockop (:type :sock-ops
                       :section "sockops"
                       :license "GPL")
    (let ((op (ctx op)))
      (declare (type u32 op))
      (case op
        ((BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
         (sock-ops-cb-flags-set (ctx-ptr) BPF_SOCK_OPS_STATE_CB_FLAG)
         (incf (getmap outcomes 0)))
        (BPF_SOCK_OPS_STATE_CB
         (incf (getmap outcomes (logand (ctx args 1) 15))))
        (t (return 0))))
    1)

  (bpf:attach on-socket "/sys/fs/cgroup")
  (bpf:attach on-sockop "/sys/fs/cgroup")
  (loop repeat 10
        do (sleep 1)
           (show "root's sockets" (bpf:map-ref sockets 0))
           (show "established" (bpf:map-ref outcomes 0))))
