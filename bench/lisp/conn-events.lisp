;;; Sends an event for every TCP connection that opens, closes or is reset.

(defenum kind (opened 1) closed reset)

(defstruct event
  (time u64)                ; ktime in ns
  (src u32)
  (dst u32)
  (sport u16)               ; host order
  (dport u16)
  (seq u32)
  (kind u8)
  (ttl u8)
  (window u16)
  (length u32))

(defmap events :type :ringbuf :max-entries 262144 :event event)
(defmap lost :type :percpu-array :key u32 :value u64 :max-entries 1)

(defprog conn-events (:type :xdp :license "GPL")
  (with-tcp (data data-end tcp)
    (let* ((ip (+ data +eth-hdr-len+))
           (flags (tcp-flags tcp))
           (kind (cond ((logtest flags +tcp-rst+) reset)
                       ((logtest flags +tcp-fin+) closed)
                       ((= (logand flags (logior +tcp-syn+ +tcp-ack+)) +tcp-syn+) opened)
                       (t (return XDP_PASS)))))
      (unless (with-ringbuf (e events (sizeof event))
                (setf (event-time e) (ktime-get-ns)
                      (event-src e) (ipv4-src-addr ip)
                      (event-dst e) (ipv4-dst-addr ip)
                      (event-sport e) (tcp-src-port tcp)
                      (event-dport e) (tcp-dst-port tcp)
                      (event-seq e) (tcp-seq tcp)
                      (event-kind e) kind
                      (event-ttl e) (ipv4-ttl ip)
                      (event-window e) (tcp-window tcp)
                      (event-length e) (ipv4-total-len ip)))
        (incf (getmap lost 0)))))
  XDP_PASS)
