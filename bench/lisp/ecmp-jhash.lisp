;;; Chooses the next hop of IPv6 packets by Jenkins' hash of the flow.

(defconstant +hops+ 16)
(defconstant +jhash-initval+ #xdeadbeef)

(defstruct hop
  (dst (array u8 6))
  (src (array u8 6))
  (packets u32))

(defmap hops :type :array :key u32 :value hop :max-entries +hops+)

(defmacro jhash-mix (a b c)
  `(progn
     ,@(loop for (x y z n) in `((,a ,c ,b 4) (,b ,a ,c 6) (,c ,b ,a 8)
                                (,a ,c ,b 16) (,b ,a ,c 19) (,c ,b ,a 4))
             collect `(setf ,x (logxor (- ,x ,y) (rotl32 ,y ,n)))
             collect `(incf ,y ,z))))

(defmacro jhash-final (a b c)
  `(progn
     ,@(loop for (x y n) in `((,c ,b 14) (,a ,c 11) (,b ,a 25) (,c ,b 16)
                              (,a ,c 4) (,b ,a 14) (,c ,b 24))
             collect `(setf ,x (- (logxor ,x ,y) (rotl32 ,y ,n))))))

;; Nine words: both addresses, at offset 8 of the header, and the ports.
(defmacro hash-flow (ip ports)
  `(let* ((start (+ +jhash-initval+ (* 9 4)))
          (a u32 start) (b u32 start) (c u32 start))
     (incf a (load u32 ,ip 8))
     (incf b (load u32 ,ip 12))
     (incf c (load u32 ,ip 16))
     (jhash-mix a b c)
     (incf a (load u32 ,ip 20))
     (incf b (load u32 ,ip 24))
     (incf c (load u32 ,ip 28))
     (jhash-mix a b c)
     (incf a (load u32 ,ip 32))
     (incf b (load u32 ,ip 36))
     (incf c ,ports)
     (jhash-final a b c)
     c))

(defprog ecmp-jhash (:type :xdp :license "GPL")
  (with-ipv6 (data data-end ip)
    (when (> (ipv6-hop-limit ip) 1)
      (let* ((l4 (+ ip +ipv6-hdr-len+))
             (ports (case (ipv6-nexthdr ip)
                      ((IPPROTO_TCP IPPROTO_UDP)
                       (when (> (+ l4 4) data-end) (return XDP_PASS))
                       (load u32 l4))
                      (t 0)))
             (hop (getmap hops (mod (hash-flow ip ports) +hops+))))
        (unless hop (return XDP_ABORTED))
        (memcpy data 0 hop (offsetof hop dst) 6)
        (memcpy data 6 hop (offsetof hop src) 6)
        (decf (ipv6-hop-limit ip))
        (atomic-add hop (offsetof hop packets) 1 u32)
        (return XDP_TX))))
  XDP_PASS)
