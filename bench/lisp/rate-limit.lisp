;;; Limits each IPv4 source to a number of packets per window of time.

(defconstant +packets-per-window+ 4)
(defconstant +window-ns+ 60000000000)

(defstruct window
  (start u64)     ; ktime in ns
  (packets u64)
  (dropped u64))

(defmap windows :type :lru-hash :key u32 :value window :max-entries 16384)

(defprog rate-limit (:type :xdp :license "GPL")
  (with-ipv4 (data data-end ip)
    (let ((src (ipv4-src-addr ip))
          (now (ktime-get-ns)))
      (if-let ((w (getmap windows src)))
          (cond ((> (- now (window-start w)) +window-ns+)
                 (setf (window-start w) now
                       (window-packets w) 1))
                ((>= (window-packets w) +packets-per-window+)
                 (incf (window-dropped w))
                 (return XDP_DROP))
                (t (incf (window-packets w))))
        (setf (getmap windows src) (make-window :start now :packets 1)))))
  XDP_PASS)
