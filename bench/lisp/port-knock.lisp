;;; SSH stays closed for a source until it has knocked at three ports in the
;;; right order, each within some time of the one before.

(defconstant +ssh-port+ 22)
(defconstant +open+ 3)
(defconstant +patience-ns+ 60000000000)

(defstruct progress
  (stage u32)
  (wrong u32)
  (last u64))     ; ktime in ns

(defmap sources :type :lru-hash :key u32 :value progress :max-entries 1024)

(defprog port-knock (:type :xdp :license "GPL")
  (with-tcp (data data-end tcp)
    (unless (= (logand (tcp-flags tcp) (logior +tcp-syn+ +tcp-ack+)) +tcp-syn+)
      (return XDP_PASS))
    (let* ((src (ipv4-src-addr (+ data +eth-hdr-len+)))
           (want (case (tcp-dst-port tcp)
                   (7001 1)
                   (8002 2)
                   (9003 3)
                   (+ssh-port+
                    (let ((p (getmap sources src)))
                      (return (if (and p (= (progress-stage p) +open+)) XDP_PASS XDP_DROP))))
                   (t (return XDP_PASS))))
           (now (ktime-get-ns)))
      (if-let ((p (getmap sources src)))
          (progn
            (cond ((or (= want 1)
                       (and (= want (+ (progress-stage p) 1))
                            (<= (- now (progress-last p)) +patience-ns+)))
                   (setf (progress-stage p) want))
                  (t
                   (setf (progress-stage p) 0)
                   (incf (progress-wrong p))))
            (setf (progress-last p) now))
        (let ((new (make-progress :last now)))
          (if (= want 1)
              (setf (progress-stage new) 1)
              (setf (progress-wrong new) 1))
          (setf (getmap sources src) new)))
      (return XDP_DROP)))
  XDP_PASS)
