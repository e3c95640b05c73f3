;;; flow-table.lisp — A table of TCP and UDP flows.
;;;
;;; Each flow's packets, bytes and TCP flags are kept under a 16-byte key.
;;; FIN or RST takes the flow out again.  A flow that the operator has marked
;;; as blocked is dropped.  Local functions share what both protocols need.

(in-package #:whistler)

(defstruct flow-key
  (src-addr u32)
  (dst-addr u32)
  (src-port u16)
  (dst-port u16)
  (proto    u8)
  (pad1     u8)
  (pad2     u16))    ; 16 bytes

(defstruct flow-data
  (packets u64)
  (bytes   u64)
  (flags   u8)
  (blocked u8)
  (pad     u16)
  (unused  u32))     ; 24 bytes

(defmap flows :type :hash
  :key-size 16 :value-size 24 :max-entries 8192)

(defmap flow-stats :type :array
  :key-size 4 :value-size 8 :max-entries 4)

(defconstant +flow-new+     0)
(defconstant +flow-update+  1)
(defconstant +flow-end+     2)
(defconstant +flow-blocked+ 3)

(defmacro bump (which &optional (n 1))
  `(when-let ((p u64 (map-lookup flow-stats ,which)))
     (atomic-add p 0 ,n)))

(defmacro fill-key (key ip l4 proto)
  `(setf (flow-key-src-addr ,key) (ipv4-src-addr ,ip)
         (flow-key-dst-addr ,key) (ipv4-dst-addr ,ip)
         (flow-key-src-port ,key) (load u16 ,l4 0)
         (flow-key-dst-port ,key) (load u16 ,l4 2)
         (flow-key-proto ,key)    ,proto))

(defprog flow-table (:type :xdp :section "xdp" :license "GPL")
  (let ((data     (xdp-data))
        (data-end (xdp-data-end)))
    (when (> (+ data 38) data-end)
      (return XDP_PASS))
    (when (/= (eth-type data) +ethertype-ipv4+)
      (return XDP_PASS))
    (let ((ip    (+ data +eth-hdr-len+))
          (proto (ipv4-protocol (+ data +eth-hdr-len+)))
          (flags 0))
      (declare (type u8 proto flags))
      (when (and (/= proto +ip-proto-tcp+) (/= proto +ip-proto-udp+))
        (return XDP_PASS))
      (let ((l4  (+ ip +ipv4-hdr-len+))
            (key (make-flow-key)))
        (fill-key key ip l4 proto)
        (when (= proto +ip-proto-tcp+)
          (when (> (+ l4 +tcp-hdr-len+) data-end)
            (return XDP_ABORTED))
          (setf flags (tcp-flags l4)))
        (labels ((ending-p ()
                   (logand flags (logior +tcp-fin+ +tcp-rst+)))
                 (finish ()
                   (map-delete-ptr flows key)
                   (bump +flow-end+))
                 (account (f)
                   (incf (flow-data-packets f))
                   (incf (flow-data-bytes f) (ipv4-total-len ip))
                   (setf (flow-data-flags f)
                         (logior (flow-data-flags f) flags))
                   (bump +flow-update+)
                   (when (ending-p) (finish))))
          (if-let (f (map-lookup-ptr flows key))
            (progn
              (when (/= (flow-data-blocked f) 0)
                (bump +flow-blocked+)
                (return XDP_DROP))
              (account f))
            (unless (ending-p)
              (let ((f (make-flow-data)))
                (setf (flow-data-packets f) 1
                      (flow-data-bytes f)   (ipv4-total-len ip)
                      (flow-data-flags f)   flags)
                (when (s< (map-update-ptr flows key f BPF_NOEXIST) 0)
                  (return XDP_ABORTED))
                (bump +flow-new+))))))))
  XDP_PASS)
