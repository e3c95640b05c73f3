;;; tunnel-peek.lisp — Looks into IPIP and GRE tunnels, and unwraps IPIP.
;;;
;;; Tunnelled packets are counted by the inner protocol.  IPIP from a trusted
;;; endpoint loses its outer header: the Ethernet header moves 20 bytes on and
;;; xdp-adjust-head drops what is before it.

(in-package #:whistler)

(defconstant +proto-ipip+ 4)
(defconstant +proto-gre+ 47)

(defmap endpoints :type :hash
  :key-size 4 :value-size 4 :max-entries 128)

;; (outer protocol << 8) | inner protocol -> packets
(defmap tunnelled :type :hash
  :key-size 2 :value-size 8 :max-entries 1024)

(defmap unwrapped :type :array
  :key-size 4 :value-size 8 :max-entries 2)

(defmacro note-inner (outer inner)
  `(let ((k (logior (<< ,outer 8) ,inner)))
     (declare (type u16 k))
     (incf (getmap tunnelled k))))

(defmacro checked ((ptr size end &optional (else 'XDP_PASS)) &body body)
  "BODY if SIZE bytes at PTR are before END, else leave with ELSE."
  `(progn
     (when (> (+ ,ptr ,size) ,end)
       (return ,else))
     ,@body))

(defprog tunnel-peek (:type :xdp :section "xdp" :license "GPL")
  (let ((data     (xdp-data))
        (data-end (xdp-data-end)))
    (declare (type u64 data data-end))
    (when-let ((ip (parse-ipv4 data data-end)))
      (when (/= (logand (ipv4-ver-ihl ip) 15) 5)
        (return XDP_PASS))
      (let ((outer (ipv4-protocol ip))
            (src   (ipv4-src-addr ip))
            (inner (+ ip +ipv4-hdr-len+)))
        (declare (type u64 inner))
        (case outer
          (+proto-gre+
           (checked (inner 24 data-end)
             ;; Only plain GRE: no key, no sequence number
             (when (and (= (load u16 inner 0) 0)
                        (= (ntohs (load u16 inner 2)) +ethertype-ipv4+))
               (note-inner outer (ipv4-protocol (+ inner 4))))))
          (+proto-ipip+
           (checked (inner +ipv4-hdr-len+ data-end XDP_DROP)
             (note-inner outer (ipv4-protocol inner))
             (unless (map-lookup endpoints src)
               (incf (getmap unwrapped 0))
               (return XDP_PASS))
             ;; The Ethernet header goes to where the inner header begins
             (let ((a (load u64 data 0))
                   (b (load u32 data 8))
                   (c (load u16 data 12)))
               (store u64 data 20 a)
               (store u32 data 28 b)
               (store u16 data 32 c))
             (when (s< (xdp-adjust-head (ctx-ptr) +ipv4-hdr-len+) 0)
               (return XDP_ABORTED))
             ;; Everything before is stale: fetch the packet's bounds again
             (let ((data (xdp-data))
                   (data-end (xdp-data-end)))
               (checked (data 34 data-end XDP_ABORTED)
                 (incf (getmap unwrapped 1) (ipv4-total-len (+ data 14))))))
           (return XDP_PASS))
          (t nil)))))
  XDP_PASS)
