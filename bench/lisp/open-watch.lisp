;;; Counts the files below /etc/ and /proc/ that programs open, by the
;;; program's name; shells are left out.

(deftracepoint syscalls/sys-enter-openat filename)

(defconstant +path+ 32)

(defstruct opener
  (comm (array u8 16)))

(defstruct opens
  (etc u64)
  (proc u64))

(defglobal target-pid u32 0 :const t)   ; 0 is any

(defmap openers :type :hash :key opener :value opens :max-entries 1024)

(defprog open-watch (:type :tracepoint :section "tracepoint/syscalls/sys_enter_openat" :license "GPL")
  (let ((pid (>> (get-current-pid-tgid) 32))
        (key (make-opener))
        (path (array u8 32)))
    (when (and (/= target-pid 0) (/= pid target-pid))
      (return 0))
    (get-current-comm (opener-comm-ptr key) 16)
    (when (or (streq (opener-comm-ptr key) "bash") (streq (opener-comm-ptr key) "sh"))
      (return 0))
    (when (s< (probe-read-user-str path +path+ (tp-filename)) 0)
      (return 0))
    (let ((etc (cond ((starts-with path "/etc/") 1)
                     ((starts-with path "/proc/") 0)
                     (t (return 0))))
          (o (getmap openers key)))
      (unless o
        (map-update openers key (make-opens) BPF_NOEXIST)
        (setf o (getmap openers key))
        (unless o (return 0)))
      (if etc
          (atomic-add o (offsetof opens etc) 1)
          (atomic-add o (offsetof opens proc) 1))))
  0)
