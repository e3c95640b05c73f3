;;; v6-edge.lisp — An IPv6 edge filter with the context read by offset.
;;;
;;; Drops packets from documentation prefixes (2001:db8::/32), hop limits of
;;; zero, and more echo requests from one /64 than a limit.  Router
;;; advertisements from outside are dropped, too.  Uses ctx-load for the
;;; packet's bounds, as programs did before (ctx field).

(in-package #:whistler)

(defconstant +icmp6-echo-request+ 128)
(defconstant +icmp6-router-adv+   134)
(defconstant +echo-limit+           2)

;; The upper half of the source -> echo requests
(defmap echo-by-net :type :hash
  :key-size 8 :value-size 4 :max-entries 4096)

;; Reason -> packets
(defmap v6-drops :type :percpu-array
  :key-size 4 :value-size 8 :max-entries 4)

(defconstant +drop-doc-prefix+ 0)
(defconstant +drop-hop-limit+  1)
(defconstant +drop-echo+       2)
(defconstant +drop-ra+         3)

(defmacro v6-drop (reason)
  `(progn
     (incf (getmap v6-drops ,reason))
     (return XDP_DROP)))

(defprog v6-edge (:type :xdp :section "xdp" :license "GPL")
  (let ((data     u64 (ctx-load u32 0))
        (data-end u64 (ctx-load u32 4)))
    (when (> (+ data (+ +eth-hdr-len+ +ipv6-hdr-len+)) data-end)
      (return XDP_PASS))
    (unless (= (eth-type data) +ethertype-ipv6+)
      (return XDP_PASS))
    (let* ((ip6  (+ data +eth-hdr-len+))
           (src-hi (ipv6-src-addr-hi ip6))
           (next (ipv6-nexthdr ip6)))
      (declare (type u64 ip6 src-hi)
               (type u8 next))

      ;; The address is as it stands in the packet, so the prefix is the low
      ;; half of the loaded number.
      (when (= (ntohl (cast u32 src-hi)) #x20010db8)
        (v6-drop +drop-doc-prefix+))
      (when (zerop (ipv6-hop-limit ip6))
        (v6-drop +drop-hop-limit+))

      (when (= next +ip-proto-ipv6-icmp+)
        (let ((icmp (+ ip6 +ipv6-hdr-len+)))
          (when (> (+ icmp 8) data-end)
            (return XDP_PASS))
          (case (load u8 icmp 0)
            (+icmp6-router-adv+
             (v6-drop +drop-ra+))
            (+icmp6-echo-request+
             (if-let (seen (map-lookup echo-by-net src-hi))
               (progn
                 (when (>= (load u32 seen 0) +echo-limit+)
                   (v6-drop +drop-echo+))
                 (atomic-add seen 0 1 u32))
               (setf (getmap echo-by-net src-hi) 1)))
            (t nil))))))
  XDP_PASS)
