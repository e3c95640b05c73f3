;;; Sorts incoming traffic into classes by destination port: it sets the
;;; mark, on which routing and nftables can act, and counts bytes per class.
;;;
;;;   whistler run examples/classify-tc.lisp --iface eth0

(defconstant +class-other+ 0)
(defconstant +class-web+ 1)
(defconstant +class-ssh+ 2)
(defconstant +class-dns+ 3)

(defmap class-bytes :type :percpu-array :key u32 :value u64 :max-entries 4)

(defmacro class-of-tcp (port)
  `(case ,port ((80 443 8080) +class-web+) (22 +class-ssh+) (53 +class-dns+) (t +class-other+)))

(defprog classify (:type :tc :license "GPL")
  (with-packet (data data-end :min-len 14)
    (let* ((tcp (parse-tcp data data-end))
           (class (if tcp
                      (class-of-tcp (tcp-dst-port tcp))
                      (let ((udp (parse-udp data data-end)))
                        (if (and udp (= (udp-dst-port udp) 53)) +class-dns+ +class-other+)))))
      (setf (ctx mark) class)
      (incf (getmap class-bytes class) (ctx len))))
  TC_ACT_OK)
