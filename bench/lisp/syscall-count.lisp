;;; System calls per process and number, with the process's name.

(defstruct key
  (pid u32)
  (nr u32))

(defstruct usage
  (calls u64)
  (uid u32)
  (comm (array u8 16))
  (pad u32))

(defmap calls :type :hash :key key :value usage :max-entries 16384)

(defprog syscall-count (:type :raw-tracepoint :section "raw_tp/sys_enter" :license "GPL")
  (let ((key (make-key :pid (>> (get-current-pid-tgid) 32) :nr (ctx args 1))))
    (if-let ((u (getmap calls key)))
        (atomic-add u (offsetof usage calls) 1)
      (let ((new (make-usage :calls 1 :uid (get-current-uid-gid))))
        (get-current-comm (usage-comm-ptr new) 16)
        (map-update calls key new BPF_NOEXIST))))
  0)
