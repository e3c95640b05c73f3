;;; A load balancer for TCP and UDP: packets to a virtual service go to one of
;;; its backends, by a hash of the flow. The destination is rewritten, the
;;; checksums follow.

(defstruct service-key
  (addr u32)
  (port u16)      ; network order
  (proto u8)
  (pad u8))

(defstruct service
  (first u32)     ; index of the first backend
  (count u32))

(defstruct backend
  (addr u32)
  (port u16)      ; network order
  (mac (array u8 6))
  (pad u32)
  (packets u64))

(defmap services :type :hash :key service-key :value service :max-entries 256)
(defmap backends :type :array :key u32 :value backend :max-entries 1024)

(defmacro hash-flow (addr port)
  `(let ((h u32 (logxor ,addr (logior (<< ,port 16) ,port))))
     (setf h (logxor h (>> h 16)))
     (setf h (* h #x85ebca6b))
     (setf h (logxor h (>> h 13)))
     (setf h (* h #xc2b2ae35))
     (logxor h (>> h 16))))

(defprog l4-balance (:type :xdp :license "GPL")
  (with-ipv4 (data data-end ip)
    (let ((proto (ipv4-protocol ip))
          (l4 (+ ip +ipv4-hdr-len+)))
      (unless (and (= (ipv4-ver-ihl ip) #x45)
                   (or (= proto IPPROTO_TCP) (= proto IPPROTO_UDP))
                   (<= (+ l4 +udp-hdr-len+) data-end))
        (return XDP_PASS))
      (let* ((addr (ipv4-dst-addr ip))
             (port (htons (udp-dst-port l4)))
             (svc (getmap services (make-service-key :addr addr :port port :proto proto))))
        (unless svc (return XDP_PASS))
        (when (= (service-count svc) 0) (return XDP_DROP))
        (let* ((hash (hash-flow (ipv4-src-addr ip) (htons (udp-src-port l4))))
               (b (getmap backends (+ (service-first svc) (mod hash (service-count svc))))))
          (unless b (return XDP_DROP))
          (if (= proto IPPROTO_TCP)
              (progn
                (when (> (+ l4 +tcp-hdr-len+) data-end) (return XDP_DROP))
                (setf (tcp-checksum l4)
                      (csum-replace (csum-replace (tcp-checksum l4) addr (backend-addr b)) port (backend-port b))))
              (setf (udp-checksum l4)
                    (csum-replace (csum-replace (udp-checksum l4) addr (backend-addr b) :udp t) port (backend-port b) :udp t)))
          (setf (ipv4-checksum ip) (csum-replace (ipv4-checksum ip) addr (backend-addr b))
                (ipv4-dst-addr ip) (backend-addr b)
                (udp-dst-port l4) (ntohs (backend-port b)))
          (memcpy data 6 data 0 6)
          (memcpy data 0 b (offsetof backend mac) 6)
          (atomic-add b (offsetof backend packets) 1)
          (return XDP_TX)))))
  XDP_PASS)
