;;; Counts the packets that arrive on an interface.
;;;
;;;   whistler run examples/count-xdp.lisp --iface lo
;;;
;;; Ctrl-C ends it and prints the count.

(defmap pkt-count :type :array :key-size 4 :value-size 8 :max-entries 1)

(defprog count-packets (:type :xdp :license "GPL")
  (incf (getmap pkt-count 0))
  XDP_PASS)
