;;; Counts the calls of malloc, by process, and the sizes that are asked for.
;;;
;;;   whistler run examples/mallocs.lisp /lib/x86_64-linux-gnu/libc.so.6 [SECONDS]
;;;
;;; It shows the ten busiest processes and a histogram of sizes at the end.

(with-bpf-session ()
  (bpf:map calls :type :hash :key u32 :value u64 :max-entries 10240)
  (bpf:map sizes :type :array :key u32 :value u64 :max-entries 64)
  (bpf:prog on-malloc (:type :uprobe :license "GPL")
    (incf (getmap calls (>> (get-current-pid-tgid) 32)))
    (incf (getmap sizes (log2 (pt-regs-parm1))))
    0)

  (let ((args (command-line-args)))
    (unless args
      (format t "usage: whistler run mallocs.lisp LIBC [SECONDS]~%")
      (exit 2))
    (bpf:attach on-malloc (first args) "malloc")
    (format t "counting~%")
    (unwind-protect
        (sleep (if (second args) (parse-integer (second args)) 1000000))
      (let ((busiest (sort (map-entries calls) (function >) :key (function second))))
        (print-table (subseq busiest 0 (min 10 (length busiest))) :headers '("PID" "CALLS"))
        (print-histogram sizes :unit "bytes")))))
