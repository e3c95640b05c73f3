;;; tc-masquerade.lisp — Source translation for UDP and TCP in TC.
;;;
;;; Egress: packets of an inside address leave with an outside address; both
;;; checksums are kept by the kernel's helpers.  The pair of ports is noted so
;;; that ingress can turn answers back.  Uses skb-store-bytes, after which
;;; packet pointers are stale.
;;;
;;; exception: section 15, "an unknown section is an error": the programs were in
;;; sections "tc/masq_out" and "tc/masq_in".

(in-package #:whistler)

(defconstant +ip-off+     14)
(defconstant +ip-csum+    24)
(defconstant +ip-saddr+   26)
(defconstant +ip-daddr+   30)
(defconstant +l4-off+     34)
(defconstant +tcp-csum+   50)
(defconstant +udp-csum+   40)

;; inside address -> outside address, as they stand in packets
(defmap outside :type :hash
  :key-size 4 :value-size 4 :max-entries 256)

(defstruct masq-key
  (addr  u32)     ; remote address
  (ports u32))    ; remote port, local port

;; what answers look like -> inside address
(defmap translations :type :lru-hash
  :key-size 8 :value-size 4 :max-entries 65536)

(defmacro replace-addr (offset old new proto)
  "Writes NEW over the address at OFFSET and mends the checksums."
  `(progn
     (l3-csum-replace (ctx-ptr) +ip-csum+ ,old ,new 4)
     (if (= ,proto +ip-proto-tcp+)
         (l4-csum-replace (ctx-ptr) +tcp-csum+ ,old ,new (logior #x10 4))
         (l4-csum-replace (ctx-ptr) +udp-csum+ ,old ,new (logior #x10 #x20 4)))
     (let ((addr ,new))
       (declare (type u32 addr))
       (skb-store-bytes (ctx-ptr) ,offset (stack-addr addr) 4 0))))

(defmacro with-l4 ((ip l4 proto) &body body)
  "BODY for TCP and UDP packets without IP options."
  `(with-tc-ipv4 (data data-end ,ip)
     (let ((,l4 (+ ,ip +ipv4-hdr-len+))
           (,proto (ipv4-protocol ,ip)))
       (when (> (+ ,l4 8) data-end)
         (return TC_ACT_OK))
       (unless (and (= (ipv4-ver-ihl ,ip) #x45)
                    (or (= ,proto +ip-proto-tcp+) (= ,proto +ip-proto-udp+)))
         (return TC_ACT_OK))
       ,@body)))

(defprog masq-out (:type :tc :section "classifier" :license "GPL")
  (with-l4 (ip l4 proto)
    (let* ((src   (ipv4-src-addr ip))
           (ports (load u32 l4 0))
           (key   (make-masq-key))
           (out   (map-lookup outside src)))
      (when (= out 0)
        (return TC_ACT_OK))
      (let ((new (load u32 out 0)))
        ;; The answer has the ports the other way round
        (setf (masq-key-addr key)  (ipv4-dst-addr ip)
              (masq-key-ports key) (logior (>> ports 16) (<< ports 16)))
        (map-update-ptr translations key (stack-addr src) 0)
        (replace-addr +ip-saddr+ src new proto))))
  TC_ACT_OK)

(defprog masq-in (:type :tc :section "classifier" :license "GPL")
  (with-l4 (ip l4 proto)
    (let ((key (make-masq-key))
          (dst (ipv4-dst-addr ip)))
      (setf (masq-key-addr key)  (ipv4-src-addr ip)
            (masq-key-ports key) (load u32 l4 0))
      (when-let ((inside (map-lookup-ptr translations key)))
        (let ((new (load u32 inside 0)))
          (replace-addr +ip-daddr+ dst new proto)))))
  TC_ACT_OK)
