;; A congestion control that leaves the work to functions of the kernel, and keeps count.
(import-kernel-struct tcp-sock snd-cwnd)
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defstruct-ops counting tcp-congestion-ops
  :name "lisp_cc"
  :init begin
  :ssthresh less
  :cong-avoid more
  :undo-cwnd undo)

(defprog begin (:type :struct-ops)
  (incf (getmap seen 0)))

(defprog less (:type :struct-ops :args (sk))
  (incf (getmap seen 3))
  (tcp-reno-ssthresh sk))

(defprog more (:type :struct-ops :args (sk ack acked))
  (incf (getmap seen 1))
  (tcp-reno-cong-avoid sk ack acked)
  (setf (getmap seen 2) (tcp-sock-snd-cwnd sk)))

(defprog undo (:type :struct-ops :args (sk))
  (tcp-reno-undo-cwnd sk))
