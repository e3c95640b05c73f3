;;; Answers SYNs with a cookie, the SipHash of the connection, in the driver.

(defconstant +window+ 65535)

(defglobal secret0 u64 #x0706050403020100 :const t)
(defglobal secret1 u64 #x0f0e0d0c0b0a0908 :const t)
(defglobal epoch u32)    ; user space counts it up
(defglobal answered u64)

(defmacro sipround ()
  '(progn
     (incf v0 v1) (setf v1 (logxor (rotl v1 13) v0) v0 (rotl v0 32))
     (incf v2 v3) (setf v3 (logxor (rotl v3 16) v2))
     (incf v0 v3) (setf v3 (logxor (rotl v3 21) v0))
     (incf v2 v1) (setf v1 (logxor (rotl v1 17) v2) v2 (rotl v2 32))))

(defmacro siprounds (n)
  `(progn ,@(loop repeat n collect '(sipround))))

;; SipHash-2-4 of two words.
(defmacro siphash (m0 m1)
  `(let* ((m0 ,m0) (m1 ,m1)
          (end (<< 16 56))
          (v0 (logxor #x736f6d6570736575 secret0))
          (v1 (logxor #x646f72616e646f6d secret1))
          (v2 (logxor #x6c7967656e657261 secret0))
          (v3 (logxor #x7465646279746573 secret1)))
     (dolist-m (m (m0 m1 end))
       (setf v3 (logxor v3 m))
       (siprounds 2)
       (setf v0 (logxor v0 m)))
     (setf v2 (logxor v2 #xff))
     (siprounds 4)
     (logxor v0 v1 v2 v3)))

(defmacro dolist-m ((var forms) &body body)
  `(progn ,@(loop for f in forms collect `(symbol-macrolet ((,var ,f)) ,@body))))

(defprog syn-cookie (:type :xdp :license "GPL")
  (with-tcp (data data-end tcp)
    (unless (= (logand (tcp-flags tcp) (logior +tcp-syn+ +tcp-ack+ +tcp-rst+ +tcp-fin+)) +tcp-syn+)
      (return XDP_PASS))
    (let* ((ip (+ data +eth-hdr-len+))
           (saddr (ipv4-src-addr ip))
           (daddr (ipv4-dst-addr ip))
           (source (tcp-src-port tcp))
           (dest (tcp-dst-port tcp))
           (cookie u32 (siphash (logior (<< saddr 32) daddr)
                                (logior (<< epoch 32) (<< (htons source) 16) (htons dest))))
           (mac (array u8 6)))
      (memcpy mac 0 data 0 6)
      (memcpy data 0 data 6 6)
      (memcpy data 6 mac 0 6)

      (setf (ipv4-src-addr ip) daddr
            (ipv4-dst-addr ip) saddr
            (ipv4-tos ip) 0
            (ipv4-total-len ip) (+ +ipv4-hdr-len+ +tcp-hdr-len+)
            (ipv4-id ip) 0
            (ipv4-frag-off ip) #x4000
            (ipv4-ttl ip) 64
            (ipv4-checksum ip) 0
            (ipv4-checksum ip) (csum-fold (cast u32 (csum-diff 0 0 ip +ipv4-hdr-len+ 0))))

      (setf (tcp-src-port tcp) dest
            (tcp-dst-port tcp) source
            (tcp-ack-seq tcp) (+ (tcp-seq tcp) 1)
            (tcp-seq tcp) cookie
            (tcp-data-off tcp) (<< 5 4)
            (tcp-flags tcp) (logior +tcp-syn+ +tcp-ack+)
            (tcp-window tcp) +window+
            (tcp-urgent tcp) 0
            (tcp-checksum tcp) 0
            (tcp-checksum tcp) (csum-fold (+ (cast u32 (csum-diff 0 0 tcp +tcp-hdr-len+ 0))
                                             saddr daddr
                                             (htons IPPROTO_TCP) (htons +tcp-hdr-len+))))

      ;; Options are not answered.
      (when (/= (xdp-adjust-tail (ctx-ptr) (- (+ tcp +tcp-hdr-len+) data-end)) 0)
        (return XDP_DROP))
      (atomic-add (global-addr answered) 0 1)
      (return XDP_TX)))
  XDP_PASS)
