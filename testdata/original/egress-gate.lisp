;;; egress-gate.lisp — Where the processes of a cgroup may connect to.
;;;
;;; connect4 sends DNS to a resolver of our own, refuses the cloud's metadata
;;; address, and notes what it did under the socket's cookie.  The egress
;;; program lets out only addresses of a list, and packets of connections that
;;; connect4 turned.

(in-package #:whistler)

(defconstant +resolver+   #x0100007f)   ; 127.0.0.1 as it stands in memory
(defconstant +metadata+   #xfea9fea9)   ; 169.254.169.254
(defconstant +dns+        53)
(defconstant +dns-proxy+  5353)

(defconstant +allow+ 1)
(defconstant +deny+  0)

(defstruct ip-hdr
  (ver-ihl u8) (tos u8) (tot-len u16) (id u16) (frag-off u16)
  (ttl u8) (protocol u8) (check u16) (saddr u32) (daddr u32))

(defstruct l4-hdr
  (src-port u16) (dst-port u16))

(defunion head ip-hdr l4-hdr)

(defstruct gate-event
  (addr    u32)
  (port    u16)
  (allowed u8)
  (reason  u8))

(defmap turned :type :lru-hash
  :key-size 8 :value-size 4 :max-entries 4096)

(defmap allowed-addrs :type :hash
  :key-size 4 :value-size 1 :max-entries 4096
  :map-flags 1)

(defmap gate-events :type :ringbuf
  :max-entries (* 16 1024))

(defmap gate-stats :type :array
  :key-size 4 :value-size 8 :max-entries 4)

(defmacro report (addr port allowed reason)
  `(let ((ev (make-gate-event)))
     (setf (gate-event-addr ev)    ,addr
           (gate-event-port ev)    (ntohs ,port)
           (gate-event-allowed ev) ,allowed
           (gate-event-reason ev)  ,reason)
     (ringbuf-output gate-events ev (sizeof gate-event) 0)))

(defprog gate-connect (:type :cgroup-sock-addr
                       :section "cgroup/connect4"
                       :license "GPL")
  (let* ((addr   (ctx user-ip4))
         (port   (ctx user-port))
         (cookie (get-socket-cookie (ctx-ptr))))
    (declare (type u32 addr port))
    (cond
      ((= addr +metadata+)
       (report addr (cast u16 port) 0 1)
       (incf (getmap gate-stats 0))
       (return +deny+))
      ((= port (htons +dns+))
       (map-update turned cookie addr 0)
       (setf (ctx user-ip4) +resolver+)
       (setf (ctx user-port) (htons +dns-proxy+))
       (report (ctx user-ip4) (cast u16 (ctx user-port)) 1 2)
       (incf (getmap gate-stats 1)))))
  +allow+)

(defprog gate-egress (:type :cgroup-skb
                      :section "cgroup_skb/egress"
                      :license "GPL")
  (let* ((pkt (make-head))
         (rc  (skb-load-bytes (ctx-ptr) 0 pkt (sizeof ip-hdr))))
    (when (s< rc 0)
      (return +deny+))
    (when (/= (>> (ip-hdr-ver-ihl pkt) 4) 4)
      (incf (getmap gate-stats 2))
      (return +deny+))
    (let* ((daddr (ip-hdr-daddr pkt))
           (proto (ip-hdr-protocol pkt))
           (listed u8 (if (/= (map-lookup allowed-addrs daddr) 0) 1 0))
           (port  u16 0))
      (when (or (= proto IPPROTO_TCP) (= proto IPPROTO_UDP))
        (when (s< (skb-load-bytes (ctx-ptr) (sizeof ip-hdr) pkt (sizeof l4-hdr)) 0)
          (return +deny+))
        (setf port (l4-hdr-dst-port pkt)))
      (when (and (not listed)
                 (= daddr +resolver+)
                 (= port (htons +dns-proxy+)))
        (setf listed 1))
      (unless listed
        (report daddr port 0 3)
        (incf (getmap gate-stats 3)))
      (return listed))))
