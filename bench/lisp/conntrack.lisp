;;; Follows TCP connections through their states; segments that belong to none
;;; are dropped.

(defenum state (syn-sent 1) syn-received established fin-wait closed)
(defenum dir original reply)

;; The lower address (or port) comes first, so both directions share a key.
(defstruct conn-key
  (addr (array u32 2))
  (port (array u16 2)))

(defstruct conn
  (state u8)
  (swapped u8)    ; whether the opener's address is the second
  (fins u8)       ; directions that sent a FIN
  (pad u8)
  (packets (array u32 2))
  (pad2 u32)
  (last-seen u64)) ; ktime in ns

(defmap conns :type :lru-hash :key conn-key :value conn :max-entries 65536)
(defmap invalid :type :percpu-array :key u32 :value u64 :max-entries 1)

(defmacro drop ()
  '(progn (incf (getmap invalid 0))
          (return XDP_DROP)))

(defprog conntrack (:type :xdp :license "GPL")
  (with-tcp (data data-end tcp)
    (let* ((ip (+ data +eth-hdr-len+))
           (saddr (ipv4-src-addr ip))
           (daddr (ipv4-dst-addr ip))
           (source (htons (tcp-src-port tcp)))
           (dest (htons (tcp-dst-port tcp)))
           (flags (tcp-flags tcp))
           (syn (logand flags +tcp-syn+))
           (ack (logand flags +tcp-ack+))
           (fin (logand flags +tcp-fin+))
           (rst (logand flags +tcp-rst+))
           (swapped (or (> saddr daddr)
                        (and (= saddr daddr) (> source dest))))
           (key (make-conn-key)))
      (cond (swapped
             (setf (conn-key-addr key 0) daddr
                   (conn-key-addr key 1) saddr
                   (conn-key-port key 0) dest
                   (conn-key-port key 1) source))
            (t
             (setf (conn-key-addr key 0) saddr
                   (conn-key-addr key 1) daddr
                   (conn-key-port key 0) source
                   (conn-key-port key 1) dest)))
      (let ((c (getmap conns key)))
        (when (or (not c) (= (conn-state c) closed))
          (when (or (not syn) ack rst) (drop))
          (let ((new (make-conn :state syn-sent :swapped swapped :last-seen (ktime-get-ns))))
            (setf (conn-packets new original) 1)
            (setf (getmap conns key) new)
            (return XDP_PASS)))

        (let ((dir (if (= (conn-swapped c) swapped) original reply)))
          (if rst
              (setf (conn-state c) closed)
              (case (conn-state c)
                (syn-sent
                 (cond ((and (= dir reply) syn ack) (setf (conn-state c) syn-received))
                       ((or (= dir reply) ack) (drop))))
                (syn-received
                 (when (and (= dir original) ack (not syn))
                   (setf (conn-state c) established)))
                (established
                 (when syn (drop))
                 (when fin
                   (setf (conn-fins c) (<< 1 dir)
                         (conn-state c) fin-wait)))
                (fin-wait
                 (when fin
                   (setf (conn-fins c) (logior (conn-fins c) (<< 1 dir)))
                   (when (= (conn-fins c) 3)
                     (setf (conn-state c) closed))))))
          (if (= dir original)
              (incf (conn-packets c original))
              (incf (conn-packets c reply)))
          (setf (conn-last-seen c) (ktime-get-ns))))))
  XDP_PASS)
