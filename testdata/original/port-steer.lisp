;;; port-steer.lisp — Forwards frames by their destination address.
;;;
;;; A learning table MAC -> interface decides where a frame goes; multicast and
;;; unknown frames go up the stack.  Limits per interface are structs in an
;;; array; counters are per processor.  Every tenth unknown frame is printed.

(in-package #:whistler)

(defstruct port-config
  (enabled u32)
  (max-len u32)
  (vlan    u16)
  (pad     (array u16 3)))          ; 16 bytes

(defstruct mac-key
  (hi u32)
  (lo u16)
  (pad u16))                        ; 8 bytes

(defconstant +max-ports+ 8)

(defmap port-configs :type :array
  :key-size 4 :value-type port-config :max-entries 8)

(defmap mac-table :type :hash
  :key-size 8 :value-size 4 :max-entries 4096)

(defmap port-counts :type :percpu-array
  :key-size 4 :value-size 8 :max-entries 8)

(defmap unknown :type :array
  :key-size 4 :value-size 8 :max-entries 1)

(defprog port-steer (:type :xdp :section "xdp" :license "GPL")
  (let* ((data     (ctx-load u32 0))
         (data-end (ctx-load u32 4))
         (len      (- data-end data)))
    (declare (type u64 data data-end))
    (if (> (+ data +eth-hdr-len+) data-end)
        (return XDP_ABORTED))
    ;; Group addresses: the lowest bit of the first byte
    (when (logand (load u8 data 0) 1)
      (return XDP_PASS))
    (let ((key (make-mac-key)))
      (setf (mac-key-hi key) (eth-dst-mac-hi data)
            (mac-key-lo key) (eth-dst-mac-lo data))
      (let ((port (map-lookup-ptr mac-table key)))
        (declare (type u64 port))
        (cond
          ((= port 0)
           (let ((n (incf (getmap unknown 0))))
             (when (= (mod n 10) 0)
               (printk "unknown frame %d of %d bytes" n len)))
           XDP_PASS)
          (t
           (let ((index (load u32 port 0)))
             (declare (type u32 index))
             (when (>= index +max-ports+)
               (return XDP_ABORTED))
             (let ((config (getmap port-configs index)))
               (when (or (not config)
                         (= (port-config-enabled config) 0))
                 (return XDP_DROP))
               (when (> len (port-config-max-len config))
                 (incf (port-config-pad config 2))
                 (return XDP_DROP))
               (incf (getmap port-counts index) len)
               (redirect index 0)))))))))
