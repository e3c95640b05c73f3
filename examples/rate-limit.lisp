;;; Limits each IPv4 source to 1000 packets a second: a window per source.
;;;
;;;   whistler run examples/rate-limit.lisp --iface eth0

(defconstant +packets-per-window+ 1000)
(defconstant +window-ns+ 1000000000)

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
        (let ((new (make-window)))
          (setf (window-start new) now
                (window-packets new) 1)
          (setf (getmap windows src) new)))))
  XDP_PASS)
