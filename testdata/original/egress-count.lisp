;;; egress-count.lisp — Counts what each cgroup sends, in one session.
;;;
;;; The session stands at the top level; nothing of its user-space part runs
;;; at compile time.

(asdf:load-system "whistler/loader")

(defpackage #:egress-count
  (:use #:cl #:whistler #:whistler/loader)
  (:shadowing-import-from #:whistler #:incf #:decf)
  (:shadowing-import-from #:cl #:case #:defstruct))

(in-package #:egress-count)

(defparameter *interval* 2)

(whistler:defstruct cg-usage
  (packets u64)
  (bytes   u64)
  (largest u32)
  (pad     u32))

(with-bpf-session ()
  (bpf:map usage :type :percpu-array :key-size 4 :value-size 24 :max-entries 2)
  (bpf:map by-mark :type :hash :key-size 4 :value-size 8 :max-entries 64)

  (bpf:prog count-egress (:type :cgroup-skb
                          :section "cgroup_skb/egress"
                          :license "GPL")
    (let ((u (map-lookup usage (if (= (ctx protocol) (htons #x0800)) 0 1)))
          (len (ctx len)))
      (declare (type u64 u) (type u32 len))
      (when u
        (setf (cg-usage-packets u) (+ (cg-usage-packets u) 1)
              (cg-usage-bytes u)   (+ (cg-usage-bytes u) len))
        (when (> len (cg-usage-largest u))
          (setf (cg-usage-largest u) len)))
      (incf (getmap by-mark (ctx mark)))
      (decf (getmap by-mark 99) 2))
    1)

  (bpf:attach count-egress "/sys/fs/cgroup")
  (loop repeat 30
        do (sleep *interval*)
           (let ((n (bpf:map-ref usage 0)))
             (format t "~&~:[no packets~;~:*~d packets~]~%" n))))
