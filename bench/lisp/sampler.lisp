;;; Sends the head of every 16th packet of a CPU to user space.

(defconstant +head+ 64)

(defstruct sample
  (time u64)                ; ktime in ns
  (number u64)
  (ifindex u32)
  (queue u32)
  (length u32)
  (cpu u32)
  (head (array u8 64)))

(defglobal rate u32 16 :const t)

(defmap seen :type :percpu-array :key u32 :value u64 :max-entries 1)
(defmap samples :type :ringbuf :max-entries (ash 1 20) :event sample)

(defprog sampler (:type :xdp :license "GPL")
  (let ((number (incf (getmap seen 0))))
    (when (= number 0) (return XDP_ABORTED))
    (when (and (/= rate 0) (= (mod number rate) 0))
      (with-ringbuf (s samples (sizeof sample))
        (setf (sample-time s) (ktime-get-ns)
              (sample-number s) number
              (sample-ifindex s) (ctx ingress-ifindex)
              (sample-queue s) (ctx rx-queue-index)
              (sample-length s) (- (ctx data-end) (ctx data))
              (sample-cpu s) (get-smp-processor-id))
        (when (s< (xdp-load-bytes (ctx-ptr) 0 (sample-head-ptr s) +head+) 0)
          (return XDP_PASS)))))
  XDP_PASS)
