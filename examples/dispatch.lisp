;;; One program per protocol, reached by tail calls.
;;;
;;;   whistler run examples/dispatch.lisp --iface eth0
;;;
;;; The object fills the prog-array itself: slot 1 is TCP, slot 2 UDP.

(defconstant +slot-tcp+ 1)
(defconstant +slot-udp+ 2)

(defmap handlers :type :prog-array :max-entries 4 :values (nil on-tcp on-udp))
(defmap seen :type :percpu-array :key u32 :value u64 :max-entries 3)

(defprog dispatch (:type :xdp)
  (with-ipv4 (data data-end ip)
    (case (ipv4-protocol ip)
      (IPPROTO_TCP (tail-call handlers +slot-tcp+))
      (IPPROTO_UDP (tail-call handlers +slot-udp+))))
  ;; Anything else, and empty slots, end up here.
  (incf (getmap seen 0))
  XDP_PASS)

(defprog on-tcp (:type :xdp)
  (incf (getmap seen 1))
  XDP_PASS)

(defprog on-udp (:type :xdp)
  (incf (getmap seen 2))
  XDP_PASS)
