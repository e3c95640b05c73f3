;;; A congestion control for TCP: the window grows by one segment in each
;;; round trip, and shrinks to seven tenths when a segment is lost.
;;;
;;;   whistler run examples/aimd.lisp
;;;   sysctl net.ipv4.tcp_congestion_control=aimd       for all new connections, or
;;;   setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "aimd", 4)         for one
;;;
;;; It is there for as long as whistler runs; connections that have it then
;;; keep it until they end. `losses` counts by the window that was too large,
;;; in powers of two.

(import-kernel-struct tcp-sock snd-cwnd snd-ssthresh max-packets-out is-cwnd-limited)
(import-kernel-struct inet-connection-sock icsk-ca-priv)

(defconstant +smallest+ 2)
(defconstant +largest+ 20000)

(defmap losses :type :array :key u32 :value u64 :max-entries 32)

;; What is kept of each connection: the kernel has room for 104 bytes.
(defstruct flow
  (acked u32 "segments that came through since the window last grew")
  (before u32 "the window before the last loss"))

(defmacro flow-of (sk) `(inet-connection-sock-icsk-ca-priv ,sk))

(defstruct-ops aimd-ops tcp-congestion-ops
  :name "aimd"
  :init aimd-init
  :ssthresh aimd-ssthresh
  :cong-avoid aimd-cong-avoid
  :undo-cwnd aimd-undo-cwnd)

(defprog aimd-init (:type :struct-ops :args (sk))
  (let ((flow (flow-of sk)))
    (setf (flow-acked flow) 0
          (flow-before flow) (tcp-sock-snd-cwnd sk))))

;; A loss: the result is where slow start ends from now on, and the kernel
;; brings the window there.
(defprog aimd-ssthresh (:type :struct-ops :args (sk))
  (let ((window (tcp-sock-snd-cwnd sk)))
    (setf (flow-before (flow-of sk)) window)
    (incf (getmap losses (log2 window)))
    (max +smallest+ (/ (* 7 window) 10))))

;; It was no loss after all: the segments came late.
(defprog aimd-undo-cwnd (:type :struct-ops :args (sk))
  (max (tcp-sock-snd-cwnd sk) (flow-before (flow-of sk))))

;; `acked` segments came through.
(defprog aimd-cong-avoid (:type :struct-ops :args (sk acked))
  (let* ((flow (flow-of sk))
         (window (tcp-sock-snd-cwnd sk))
         (slow-start (< window (tcp-sock-snd-ssthresh sk))))
    ;; A sender that has less to send than it may learns nothing of the network.
    (unless (or (tcp-sock-is-cwnd-limited sk)
                (and slow-start (< window (* 2 (tcp-sock-max-packets-out sk)))))
      (return))
    (let ((grown window))
      (if slow-start
          (incf grown acked)
          (let ((sum (+ (flow-acked flow) acked)))
            (when (>= sum window)
              (setf sum 0)
              (incf grown))
            (setf (flow-acked flow) sum)))
      (setf (tcp-sock-snd-cwnd sk) (min grown +largest+)))))
