;;; vxlan-peek.lisp — Looks into VXLAN without taking it apart.
;;;
;;; Finds the network identifier and the inner Ethernet and IPv4 headers of
;;; encapsulated packets, applies a policy per network, and counts inner
;;; bytes.  The headers are declared here.

(in-package #:whistler)

(defheader vxlan
  (flags :offset 0 :type u32 :net-order t)
  (vni   :offset 4 :type u32 :net-order t))

(defheader gre-inner
  (type  :offset 12 :type u16 :net-order t))

(defconstant +vxlan-port+ 4789)
(defconstant +vxlan-hdr-len+ 8)
(defconstant +vni-flag+ #x08000000)

(defconstant +policy-pass+ 0)
(defconstant +policy-drop+ 1)
(defconstant +policy-ipv4-only+ 2)

(defmap policies :type :hash
  :key-size 4 :value-size 4 :max-entries 4096)

(defstruct usage
  (bytes   u64)
  (packets u64))

(defmap usage-by-vni :type :hash
  :key-size 4 :value-size 16 :max-entries 4096)

(defmacro parse-vxlan (data data-end)
  "The VXLAN header, or 0; the checks of UDP are those of parse-udp."
  (let ((d (gensym "D")) (e (gensym "E")))
    `(let ((,d ,data) (,e ,data-end))
       (if-let (udp (parse-udp ,d ,e))
         (if (/= (udp-dst-port udp) +vxlan-port+)
             0
             (if (> (+ udp ,(+ 8 8)) ,e)
                 0
                 (+ udp 8)))
         0))))

(defprog vxlan-peek (:type :xdp :section "xdp" :license "GPL")
  (let ((data     (xdp-data))
        (data-end (xdp-data-end)))
    (when-let ((vx (parse-vxlan data data-end)))
      (unless (logand (vxlan-flags vx) +vni-flag+)
        (return XDP_DROP))
      (let* ((vni   (>> (vxlan-vni vx) 8))
             (inner (+ vx +vxlan-hdr-len+)))
        (declare (type u32 vni) (type u64 inner))
        (when (> (+ inner +eth-hdr-len+) data-end)
          (return XDP_DROP))
        (let ((use (map-lookup usage-by-vni vni)))
          (if use
              (progn
                (atomic-add use 0 (- data-end inner))
                (atomic-add use 8 1))
              (let ((new (make-usage)))
                (setf (usage-bytes new) (- data-end inner)
                      (usage-packets new) 1)
                (setf (getmap usage-by-vni vni) new))))
        (case (getmap policies vni)
          (+policy-drop+ (return XDP_DROP))
          (+policy-ipv4-only+
           (when (/= (gre-inner-type inner) +ethertype-ipv4+)
             (return XDP_DROP)))
          (otherwise nil)))))
  XDP_PASS)
