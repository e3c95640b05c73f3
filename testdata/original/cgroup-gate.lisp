;;; cgroup-gate.lisp — What a container may connect to, in three programs.
;;;
;;;   cgroup/connect4    sends connections to a mirror to this host instead
;;;   cgroup_skb/egress  lets only known addresses out
;;;   cgroup_skb/ingress counts what comes in
;;;
;;; The packet is read with skb-load-bytes into one buffer that serves for
;;; several headers.

(in-package #:whistler)

(defconstant +allow+ 1)
(defconstant +deny+  0)
(defconstant +localhost-nbo+ #x0100007f)
(defconstant +af-inet6+ 10)

(defstruct ip-hdr
  (ver-ihl  u8)
  (tos      u8)
  (tot-len  u16)
  (id       u16)
  (frag-off u16)
  (ttl      u8)
  (protocol u8)
  (check    u16)
  (saddr    u32)
  (daddr    u32))

(defstruct ports-hdr
  (source u16)
  (dest   u16))

(defunion pkt-buf ip-hdr ports-hdr)

(defmap allowed :type :hash
  :key-size 4 :value-size 4 :max-entries 262144
  :map-flags 1)

(defmap ports-out :type :hash
  :key-size 2 :value-size 8 :max-entries 1024)

(defmap gate-stats :type :array
  :key-size 4 :value-size 8 :max-entries 4)

(defmap redirected :type :lru-hash
  :key-size 8 :value-size 4 :max-entries 1024)

(defprog gate-connect (:type :cgroup-sock-addr
                       :section "cgroup/connect4"
                       :license "GPL")
  (let* ((port (ctx user-port))
         (addr (ctx user-ip4))
         (cookie (get-socket-cookie (ctx-ptr))))
    (declare (type u32 port addr))
    (cond
      ((= port (htons 25))
       (incf (getmap gate-stats 2))
       (return +deny+))
      ((or (= port (htons 80)) (= port (htons 8080)))
       (map-update redirected cookie addr BPF_ANY)
       (setf (ctx user-ip4) +localhost-nbo+
             (ctx user-port) (htons 3128)))))
  +allow+)

(defprog gate-egress (:type :cgroup-skb
                      :section "cgroup_skb/egress"
                      :license "GPL")
  (let* ((pkt (make-pkt-buf))
         (rc (skb-load-bytes (ctx-ptr) 0 pkt (sizeof ip-hdr))))
    (when (s< rc 0)
      (return +deny+))
    (when (/= (>> (ip-hdr-ver-ihl pkt) 4) 4)
      (incf (getmap gate-stats 1))
      (return +deny+))
    (let* ((daddr    (ip-hdr-daddr pkt))
           (protocol (ip-hdr-protocol pkt))
           (known-ptr (map-lookup allowed daddr))
           (known u8 (if (/= known-ptr 0) 1 0))
           (dport u16 0))
      (when (or (= protocol 6) (= protocol 17))
        (let ((rc2 (skb-load-bytes (ctx-ptr) (sizeof ip-hdr) pkt (sizeof ports-hdr))))
          (when (s< rc2 0)
            (return +deny+))
          (setf dport (ntohs (ports-hdr-dest pkt)))
          (incf (getmap ports-out dport))))
      (when (and (= known 0) (/= dport 53))
        (incf (getmap gate-stats 0))
        (return +deny+))))
  +allow+)

(defprog gate-ingress (:type :cgroup-skb
                       :section "cgroup_skb/ingress"
                       :license "GPL")
  (incf (getmap gate-stats 3) (ctx len))
  1)
