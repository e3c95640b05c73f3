;;; Logs every new TCP connection through a ring buffer.
;;;
;;;   whistler run examples/connections.lisp --iface eth0
;;;   whistler run examples/connections.lisp --iface eth0 --json

(defstruct conn
  (time u64)                ; ktime in ns
  (src (array u8 4))
  (dst (array u8 4))
  (sport u16) (dport u16)
  (pad u32))

(defmap events :type :ringbuf :max-entries 262144 :event conn)
(defmap lost :type :array :key u32 :value u64 :max-entries 1)

(defprog log-connections (:type :xdp)
  (with-tcp (data data-end tcp)
    (let ((ip (+ data +eth-hdr-len+)))
      (when (= (logand (tcp-flags tcp) (logior +tcp-syn+ +tcp-ack+)) +tcp-syn+)
        (unless (with-ringbuf (e events (sizeof conn))
                  (setf (conn-time e) (ktime-get-ns)
                        (conn-sport e) (tcp-src-port tcp)
                        (conn-dport e) (tcp-dst-port tcp)
                        (conn-pad e) 0)
                  (memcpy e (offsetof conn src) ip 12 4)
                  (memcpy e (offsetof conn dst) ip 16 4))
          (incf (getmap lost 0))))))
  XDP_PASS)
