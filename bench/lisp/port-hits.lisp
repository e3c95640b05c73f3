;;; Counts packets by TCP or UDP destination port; IPv4 options are skipped.

(defmap hits :type :hash :key u16 :value u64 :max-entries 1024)

(defprog port-hits (:type :xdp :license "GPL")
  (with-ipv4 (data data-end ip :options t)
    (case (ipv4-protocol ip)
      ((IPPROTO_TCP IPPROTO_UDP)
       ;; The ports stand at the same place in TCP and UDP.
       (let ((l4 (+ ip (* 4 (logand (ipv4-ver-ihl ip) 15)))))
         (when (<= (+ l4 +udp-hdr-len+) data-end)
           (incf (getmap hits (udp-dst-port l4))))))))
  XDP_PASS)
