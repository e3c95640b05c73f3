;;; One program per protocol, reached by tail calls; what they need to know is
;;; passed in a per-CPU map.

(defenum slot slot-tcp slot-udp)
(defenum seen-kind seen-other seen-tcp seen-tcp-syn seen-udp seen-udp-dns)

(defstruct scratch
  (l4-offset u32)
  (size u32))

(defmap scratches :type :percpu-array :key u32 :value scratch :max-entries 1)
(defmap seen :type :percpu-array :key u32 :value u64 :max-entries 5)
(defmap handlers :type :prog-array :max-entries 2 :values (on-tcp on-udp))

;; Body with the scratch and the transport header of length bytes.
(defmacro with-handoff ((s l4 length) &body body)
  `(with-packet (data data-end)
     (let ((,s (getmap scratches 0)))
       (unless ,s (return XDP_ABORTED))
       (let ((,l4 (+ data (logand (scratch-l4-offset ,s) #x7f))))
         (when (<= (+ ,l4 ,length) data-end)
           ,@body)))))

(defprog on-tcp (:type :xdp :license "GPL")
  (with-handoff (s tcp +tcp-hdr-len+)
    (incf (getmap seen (if (logtest (tcp-flags tcp) +tcp-syn+) seen-tcp-syn seen-tcp))
          (scratch-size s)))
  XDP_PASS)

(defprog on-udp (:type :xdp :license "GPL")
  (with-handoff (s udp +udp-hdr-len+)
    (incf (getmap seen (if (= (udp-dst-port udp) 53) seen-udp-dns seen-udp))
          (scratch-size s)))
  XDP_PASS)

(defprog dispatch (:type :xdp :license "GPL")
  (with-packet (data data-end)
    (when-let ((ip (parse-ipv4 data data-end)))
      (let ((ver-ihl (ipv4-ver-ihl ip)))
        (when (<= #x45 ver-ihl #x4f)
          (let ((s (getmap scratches 0)))
            (unless s (return XDP_ABORTED))
            (setf (scratch-l4-offset s) (+ +eth-hdr-len+ (* 4 (logand ver-ihl 15)))
                  (scratch-size s) (- data-end data))
            (case (ipv4-protocol ip)
              (IPPROTO_TCP (tail-call handlers slot-tcp))
              (IPPROTO_UDP (tail-call handlers slot-udp)))
            (incf (getmap seen seen-other) (scratch-size s)))))))
  XDP_PASS)
