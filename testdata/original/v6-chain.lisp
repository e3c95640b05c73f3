;;; v6-chain.lisp — Walks IPv6 extension headers.
;;;
;;; Drops fragments, routing headers of type 0, and chains that are longer
;;; than five headers; counts the transport protocol at the end.  The pointer
;;; moves by lengths from the packet, so each step is checked again.

(in-package #:whistler-user)

(defconstant +next-hop-by-hop+ 0)
(defconstant +next-routing+   43)
(defconstant +next-fragment+  44)
(defconstant +next-none+      59)
(defconstant +next-dest-opts+ 60)
(defconstant +max-chain+ 5)

(defheader ext6
  (next :offset 0 :type u8)
  (len  :offset 1 :type u8)
  (kind :offset 2 :type u8))

(whistler:defmap transports :type :percpu-hash
  :key-size 1 :value-size 8 :max-entries 256)

(whistler:defmap chain-drops :type :array
  :key-size 4 :value-size 8 :max-entries 4)

(defmacro drop-chain (reason)
  `(progn (whistler:incf (whistler:getmap chain-drops ,reason))
          (return XDP_DROP)))

(whistler:defprog v6-chain (:type :xdp :section "xdp" :license "GPL")
  (let* ((data (xdp-data))
         (data-end (xdp-data-end)))
    (declare (type u64 data data-end))
    (when (> (+ data 54) data-end)
      (return XDP_PASS))
    (unless (= (eth-type data) +ethertype-ipv6+)
      (return XDP_PASS))
    (let ((next (ipv6-nexthdr (+ data 14)))
          (p (+ data 54))
          (at-end 0))
      (declare (type u8 next) (type u64 p))
      (dotimes (i +max-chain+)
        (unless at-end
          (case next
            ((+next-hop-by-hop+ +next-dest-opts+ +next-routing+)
             (when (> (+ p 8) data-end)
               (drop-chain 0))
             (when (and (= next +next-routing+) (= (ext6-kind p) 0))
               (drop-chain 1))
             (let ((skip (* (+ (ext6-len p) 1) 8)))
               (setf next (ext6-next p))
               (setf p (+ p skip))))
            (+next-fragment+
             (drop-chain 2))
            (t (setf at-end 1)))))
      (unless at-end
        (drop-chain 3))
      (when (= next +next-none+)
        (return XDP_PASS))
      (when (> (+ p 4) data-end)
        (drop-chain 0))
      (whistler:incf (whistler:getmap transports next))
      ;; Telnet, wherever the chain put it
      (when (and (= next +ip-proto-tcp+)
                 (= (ntohs (load u16 p 2)) 23))
        (return XDP_DROP))))
  XDP_PASS)
