;;; Counts packets and bytes by protocol, for main.go.

(defconstant +protocols+ 256)

(defstruct tally
  "What came of one protocol."
  (packets u64)
  (bytes u64))

(defmap tallies :type :percpu-array :key u32 :value tally :max-entries +protocols+)

(defprog count-packets (:type :xdp :license "GPL")
  "Counts by the protocol of IPv4."
  (with-ipv4 (data data-end ip)
    (when-let ((e (getmap tallies (ipv4-protocol ip))))
      (setf (tally-packets e) (+ (tally-packets e) 1)
            (tally-bytes e) (+ (tally-bytes e) (- data-end data)))))
  XDP_PASS)
