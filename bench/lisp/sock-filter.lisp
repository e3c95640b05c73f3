;;; What a monitoring socket wants to see: DNS, pings, and TCP segments that
;;; open, close or reset connections; of others only every 256th by hash.

(defconstant +snap+ 256)
(defconstant +golden+ #x9e3779b1)

;; Offsets count from the IP header: a packet socket may or may not have the
;; Ethernet header in front of it.
(defmacro load-or-skip (off to len)
  `(when (s< (skb-load-bytes-relative (ctx-ptr) ,off ,to ,len BPF_HDR_START_NET) 0)
     (return 0)))

(defmacro sampled (ip)
  `(let ((hash u32 (* (logxor (ipv4-src-addr ,ip) (ipv4-dst-addr ,ip) (htons (ipv4-id ,ip))) +golden+)))
     (if (= (>> hash 24) 0) +snap+ 0)))

(defprog sock-filter (:type :socket-filter :license "GPL")
  (let ((ip (array u8 20))
        (udp (array u8 8))
        (b u8 0))
    (when (/= (ctx protocol) (htons ETH_P_IP))
      (return 0))
    (load-or-skip 0 ip 20)
    (let ((l4 (* 4 (logand (ipv4-ver-ihl ip) 15))))
      (case (ipv4-protocol ip)
        (IPPROTO_TCP
         (load-or-skip (+ l4 13) (stack-addr b) 1)
         (if (logtest b (logior +tcp-fin+ +tcp-syn+ +tcp-rst+)) +snap+ (sampled ip)))
        (IPPROTO_UDP
         (load-or-skip l4 udp 8)
         (if (or (= (udp-src-port udp) 53) (= (udp-dst-port udp) 53))
             (ctx len)
             (sampled ip)))
        (IPPROTO_ICMP
         (load-or-skip l4 (stack-addr b) 1)
         (if (or (= b ICMP_ECHO) (= b ICMP_ECHOREPLY)) +snap+ 0))
        (t (sampled ip))))))
