;;; Drops TCP packets to one port and counts them.
;;;
;;;   whistler run examples/block-port.lisp --iface eth0
;;;
;;; Packets with IPv4 options pass: with-tcp matches plain headers only.

(defconstant +blocked-port+ 9999)

(defmap drop-count :type :array :key-size 4 :value-size 8 :max-entries 1)

(defprog block-port (:type :xdp :license "GPL")
  (with-tcp (data data-end tcp)
    (when (= (tcp-dst-port tcp) +blocked-port+)
      (incf (getmap drop-count 0))
      (return XDP_DROP)))
  XDP_PASS)
