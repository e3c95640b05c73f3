;;; Lets each source open 100 TCP connections and drops its further SYNs.
;;;
;;;   whistler run examples/syn-limit.lisp --iface eth0
;;;
;;; The least recently seen sources are forgotten when the table is full.

(defconstant +limit+ 100)

(defmap syn-count :type :lru-hash :key u32 :value u64 :max-entries 10240)

(defprog limit-syns (:type :xdp :license "GPL")
  (with-tcp (data data-end tcp)
    ;; SYN without ACK begins a connection.
    (when (= (logand (tcp-flags tcp) (logior +tcp-syn+ +tcp-ack+)) +tcp-syn+)
      (let ((src (ipv4-src-addr (+ data +eth-hdr-len+))))
        (when (> (incf (getmap syn-count src)) +limit+)
          (return XDP_DROP)))))
  XDP_PASS)
