;;; arp-watch.lisp — Notices machines that change their hardware address.
;;;
;;; Keeps a table of IPv4 address -> MAC address from ARP packets.  A sender
;;; whose MAC differs from the one in the table is reported on a ring buffer
;;; and its packet dropped; gratuitous ARP is counted.

(in-package #:whistler)

;;; The part of ARP that matters, with offsets from the ARP header

(defheader arp4
  (hw-type    :offset 0  :type u16 :net-order t)
  (proto-type :offset 2  :type u16 :net-order t)
  (op         :offset 6  :type u16 :net-order t)
  (spa        :offset 14 :type u32)
  (tpa        :offset 24 :type u32))

(defconstant +arp-len+ 28)
(defconstant +op-request+ 1)
(defconstant +op-reply+   2)

(defstruct mac-entry
  (mac  (array u8 6))
  (pad  u16)
  (seen u64))          ; 16 bytes

(defstruct mac-change
  (addr    u32)
  (op      u16)
  (pad     u16)
  (old-mac (array u8 6))
  (new-mac (array u8 6)))

(defmap neighbours :type :lru-hash
  :key-size 4 :value-size 16 :max-entries 512)

(defmap changes :type :ringbuf
  :max-entries 4096)

(defmap arp-stats :type :array
  :key-size 4 :value-size 8 :max-entries 3)

(defconstant +stat-requests+   0)
(defconstant +stat-replies+    1)
(defconstant +stat-gratuitous+ 2)

(defmacro mac-differs (entry arp)
  "True if the six bytes of ENTRY are not the sender's."
  `(or (/= (load u32 ,entry 0) (load u32 ,arp 8))
       (/= (load u16 ,entry 4) (load u16 ,arp 12))))

(defprog arp-watch (:type :xdp :section "xdp" :license "GPL")
  (with-packet (data data-end :min-len (+ 14 28))
    (when (/= (eth-type data) +ethertype-arp+)
      (return XDP_PASS))
    (let* ((arp (+ data +eth-hdr-len+))
           (op  (arp4-op arp))
           (spa (arp4-spa arp)))
      (declare (type u64 arp)
               (type u16 op))
      (unless (and (= (arp4-hw-type arp) 1)
                   (= (arp4-proto-type arp) +ethertype-ipv4+))
        (return XDP_PASS))
      (case op
        (+op-request+ (incf (getmap arp-stats +stat-requests+)))
        (+op-reply+   (incf (getmap arp-stats +stat-replies+)))
        (otherwise    (return XDP_ABORTED)))
      (when (= spa (arp4-tpa arp))
        (incf (getmap arp-stats +stat-gratuitous+)))

      (let ((known (map-lookup neighbours spa)))
        (declare (type u64 known))
        (if known
            (progn
              (when (mac-differs known arp)
                (let ((ev (make-mac-change)))
                  (setf (mac-change-addr ev) spa
                        (mac-change-op ev)   op)
                  (memcpy (mac-change-old-mac-ptr ev) 0 known 0 6)
                  (memcpy ev 14 arp 8 6)
                  (ringbuf-output changes ev (sizeof mac-change) 0))
                (return XDP_DROP))
              (atomic-add known 8 1))
            (let ((new (make-mac-entry)))
              (memcpy new 0 arp 8 6)
              (setf (mac-entry-seen new) 1)
              (map-update-ptr neighbours (stack-addr spa) new BPF_ANY))))))
  XDP_PASS)
