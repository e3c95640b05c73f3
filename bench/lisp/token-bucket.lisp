;;; A token bucket per receiver of UDP, under a spin lock: bursts of some
;;; packets, one token more per interval.

(defconstant +burst+ 8)
(defconstant +interval-ns+ 10000000000)

(defstruct receiver
  (addr u32)
  (port u16)      ; host order
  (pad u16))

(defstruct bucket
  (lock bpf-spin-lock)
  (tokens u32)
  (refilled u64)  ; ktime in ns
  (dropped u64))

(defmap buckets :type :hash :key receiver :value bucket :max-entries 4096)

(defprog token-bucket (:type :xdp :license "GPL")
  (with-udp (data data-end udp)
    (let ((key (make-receiver :addr (ipv4-dst-addr (+ data +eth-hdr-len+))
                              :port (udp-dst-port udp)))
          (now (ktime-get-ns)))
      (if-let ((b (getmap buckets key)))
          (return
            (with-spin-lock (b)
              (let ((earned (/ (- now (bucket-refilled b)) +interval-ns+)))
                (when (> earned 0)
                  (setf (bucket-tokens b) (min +burst+ (+ (bucket-tokens b) earned)))
                  (incf (bucket-refilled b) (* earned +interval-ns+))))
              (cond ((> (bucket-tokens b) 0)
                     (decf (bucket-tokens b))
                     XDP_PASS)
                    (t
                     (incf (bucket-dropped b))
                     XDP_DROP))))
        (map-update buckets key (make-bucket :tokens (- +burst+ 1) :refilled now) BPF_NOEXIST))))
  XDP_PASS)
