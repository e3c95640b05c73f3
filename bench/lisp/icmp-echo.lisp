;;; Answers pings in the driver.

(defmap answered :type :array :key u32 :value u64 :max-entries 1)

(defprog icmp-echo (:type :xdp :license "GPL")
  (with-icmp (data data-end icmp)
    (when (and (= (icmp-type icmp) ICMP_ECHO) (= (icmp-code icmp) 0))
      (let ((ip (+ data +eth-hdr-len+))
            (mac (array u8 6)))
        (memcpy mac 0 data 0 6)
        (memcpy data 0 data 6 6)
        (memcpy data 6 mac 0 6)
        (let ((src (ipv4-src-addr ip)))
          (setf (ipv4-src-addr ip) (ipv4-dst-addr ip)
                (ipv4-dst-addr ip) src))
        ;; The type goes from 8 to 0, so the checksum goes up by as much.
        (setf (icmp-type icmp) ICMP_ECHOREPLY)
        (let ((sum (+ (icmp-checksum icmp) (htons (<< ICMP_ECHO 8)))))
          (setf (icmp-checksum icmp) (+ sum (>> sum 16))))
        (incf (getmap answered 0))
        (return XDP_TX))))
  XDP_PASS)
