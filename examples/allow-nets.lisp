;;; Drops IPv4 packets from sources outside of a list of networks: a
;;; longest-prefix match. The list is compiled from a table.
;;;
;;;   whistler run examples/allow-nets.lisp --iface eth0
;;;
;;; Fill it while it runs, here with 10.0.0.0/8:
;;;   bpftool map update name nets key 8 0 0 0 10 0 0 0 value 1 0 0 0

(defstruct prefix
  (bits u32)
  (addr u32))

(defmap nets :type :lpm-trie :key prefix :value u32 :max-entries 1024 :map-flags BPF_F_NO_PREALLOC)
(defmap verdicts :type :percpu-array :key u32 :value u64 :max-entries 2)

(defprog allow-nets (:type :xdp)
  (with-ipv4 (data data-end ip)
    (let ((key (make-prefix)))
      (setf (prefix-bits key) 32
            (prefix-addr key) (ipv4-src-addr ip))
      (unless (getmap nets key)
        (incf (getmap verdicts 0))
        (return XDP_DROP))
      (incf (getmap verdicts 1))))
  XDP_PASS)
