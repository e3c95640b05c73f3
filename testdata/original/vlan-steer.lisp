;;; vlan-steer.lisp — Dispatch by VLAN with tail calls.
;;;
;;; The entry program finds the VLAN of a tagged frame, counts it and jumps to
;;; the program that user space put at that VLAN's slot.  VLANs without a
;;; program, and untagged frames, pass.
;;;
;;;   bpftool map update name slots key 10 0 0 0 value pinned /sys/fs/bpf/guests
;;;
;;; exception: section 15, "an unknown section is an error": the handlers were
;;; in sections "xdp/guests" and "xdp/cameras", which libbpf does not know.

(in-package #:whistler)

(defmap slots :type :prog-array
  :key-size 4 :value-size 4 :max-entries 64)

(defmap vlan-frames :type :percpu-hash
  :key-size 2 :value-size 8 :max-entries 4096)

(defmap verdicts :type :array
  :key-size 4 :value-size 4 :max-entries 3)

(defconstant +vlan-tag-len+ 4)
(defconstant +vid-mask+ #x0fff)

;; Frames behind the tag, where both handlers begin.
(defmacro with-tagged ((data data-end l3) &body body)
  `(with-packet (,data ,data-end :min-len ,(+ 14 4))
     (let ((,l3 (+ ,data (+ +eth-hdr-len+ +vlan-tag-len+))))
       (declare (type u64 ,l3))
       ,@body)))

;;; Guests may only speak IPv4, and not to each other's gateway ports.

(defprog guests (:type :xdp :section "xdp" :license "GPL")
  (with-tagged (data data-end l3)
    (when (/= (ntohs (load u16 data 16)) +ethertype-ipv4+)
      (incf (getmap verdicts 0))
      (return XDP_DROP))
    (when (> (+ l3 (+ +ipv4-hdr-len+ 4)) data-end)
      (return XDP_ABORTED))
    (let ((proto (ipv4-protocol l3))
          (port  (ntohs (load u16 (+ l3 +ipv4-hdr-len+) 2))))
      (when (and (= proto +ip-proto-tcp+)
                 (or (= port 22) (= port 23)))
        (incf (getmap verdicts 0))
        (return XDP_DROP))))
  XDP_PASS)

;;; Cameras are bounced: whatever they send goes back to them.

(defprog cameras (:type :xdp :section "xdp" :license "GPL")
  (with-tagged (data data-end l3)
    (let ((dst-hi (load u32 data 0))
          (dst-lo (load u16 data 4)))
      (store u32 data 0 (load u32 data 6))
      (store u16 data 4 (load u16 data 10))
      (store u32 data 6 dst-hi)
      (store u16 data 10 dst-lo)
      (incf (getmap verdicts 1))
      XDP_TX)))

(defprog vlan-steer (:type :xdp :section "xdp" :license "GPL")
  (let ((data (xdp-data))
        (data-end (xdp-data-end)))
    (when (> (+ data (+ +eth-hdr-len+ +vlan-tag-len+)) data-end)
      (return XDP_PASS))
    (when (/= (eth-type data) +ethertype-vlan+)
      (return XDP_PASS))
    (let ((vid (logand (ntohs (load u16 data 14)) +vid-mask+)))
      (incf (getmap vlan-frames vid))
      (let ((slot vid))
        (declare (type u32 slot))
        (tail-call slots slot))
      (incf (getmap verdicts 2))))
  XDP_PASS)
