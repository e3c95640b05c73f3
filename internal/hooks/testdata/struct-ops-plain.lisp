;; A congestion control for kernels without links of such structs and without
;; kernel functions: each acknowledged segment is one more of the window.
(import-kernel-struct tcp-sock snd-cwnd snd-ssthresh)
(import-kernel-struct inet-connection-sock icsk-ca-priv)
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defstruct-ops growing tcp-congestion-ops :link nil
  :name "lisp_cc"
  :init begin
  :ssthresh less
  :cong-avoid more
  :undo-cwnd undo)

(defprog begin (:type :struct-ops :args (sk))
  (setf (inet-connection-sock-icsk-ca-priv sk 0) 1)
  (incf (getmap seen 0)))

(defprog less (:type :struct-ops :args (sk))
  (incf (getmap seen 3))
  (max 2 (/ (tcp-sock-snd-cwnd sk) 2)))

(defprog more (:type :struct-ops :args (sk acked))
  (incf (getmap seen 1) (inet-connection-sock-icsk-ca-priv sk 0))
  (setf (tcp-sock-snd-cwnd sk) (min 1000 (+ (tcp-sock-snd-cwnd sk) acked)))
  (setf (getmap seen 2) (tcp-sock-snd-cwnd sk)))

(defprog undo (:type :struct-ops :args (sk))
  (max (tcp-sock-snd-cwnd sk) (tcp-sock-snd-ssthresh sk)))
