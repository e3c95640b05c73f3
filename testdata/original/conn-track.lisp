;;; conn-track.lisp — Follows TCP connections by their five-tuple.
;;;
;;; A connection has a state, packets and bytes in a struct.  Packets of
;;; unknown connections pass only if they open one; a RST or the second FIN
;;; ends it.  The reply direction finds the same entry, because the key has
;;; the smaller address first.

(in-package #:whistler)

(defstruct ct-key
  (addr-a u32)
  (addr-b u32)
  (port-a u16)
  (port-b u16)
  (proto  u8)
  (pad1   u8)
  (pad2   u16))          ; 16 bytes

(defstruct ct-val
  (seen    u64)
  (packets u32)
  (bytes   u32)
  (state   u8)
  (fins    u8)
  (pad     (array u8 6)))  ; 24 bytes

(defmap conns :type :hash
  :key-size 16 :value-size 24 :max-entries 65536)

;; Without times, for the tests of a rule on packets
(defmap packets-of :type :hash
  :key-size 16 :value-size 4 :max-entries 65536)

(defmap ct-stats :type :array
  :key-size 4 :value-size 8 :max-entries 4)

(defconstant +ct-new+     0)
(defconstant +ct-known+   1)
(defconstant +ct-invalid+ 2)
(defconstant +ct-closed+  3)

(defconstant +state-opening+     1)
(defconstant +state-established+ 2)

(defconstant +ct-lifetime+ (* 300 1000 1000 1000))

(defmacro fill-ct-key (key ip tcp)
  "The ends in order, so that both directions have one key."
  `(let ((src (ipv4-src-addr ,ip)) (dst (ipv4-dst-addr ,ip))
         (sport (tcp-src-port ,tcp)) (dport (tcp-dst-port ,tcp)))
     (if (or (< src dst) (and (= src dst) (< sport dport)))
         (setf (ct-key-addr-a ,key) src (ct-key-addr-b ,key) dst
               (ct-key-port-a ,key) sport (ct-key-port-b ,key) dport)
         (setf (ct-key-addr-a ,key) dst (ct-key-addr-b ,key) src
               (ct-key-port-a ,key) dport (ct-key-port-b ,key) sport))
     (setf (ct-key-proto ,key) +ip-proto-tcp+)))

(defmacro count-ct (which) `(incf (getmap ct-stats ,which)))

(defprog conn-track (:type :xdp :section "xdp" :license "GPL")
  (with-tcp (data data-end tcp)
    (let ((ip (+ data +eth-hdr-len+))
          (key (make-ct-key))
          (flags (tcp-flags tcp))
          (now (ktime-get-ns)))
      (fill-ct-key key ip tcp)
      (if-let (val (map-lookup-ptr conns key))
        (progn
          (when (> (- now (ct-val-seen val)) +ct-lifetime+)
            (map-delete-ptr conns key)
            (count-ct +ct-closed+)
            (return XDP_DROP))
          (setf (ct-val-seen val) now)
          (atomic-add val 8 1 u32)
          (atomic-add val 12 (ipv4-total-len ip) u32)
          (incf (getmap packets-of key))
          (when (and (logand flags +tcp-ack+)
                     (= (ct-val-state val) +state-opening+))
            (setf (ct-val-state val) +state-established+))
          (when (logand flags +tcp-fin+)
            (setf (ct-val-fins val) (+ (ct-val-fins val) 1)))
          (if (or (logand flags +tcp-rst+)
                  (>= (ct-val-fins val) 2))
              (progn
                (count-ct +ct-closed+)
                (delmap packets-of key)
                (map-delete-ptr conns key))
              (count-ct +ct-known+)))
        (progn
          (unless (= (logand flags #x17) +tcp-syn+)
            (count-ct +ct-invalid+)
            (return XDP_DROP))
          (let ((new (make-ct-val)))
            (setf (ct-val-seen new) now
                  (ct-val-packets new) 1
                  (ct-val-bytes new) (ipv4-total-len ip)
                  (ct-val-state new) +state-opening+)
            (map-update-ptr conns key new BPF_NOEXIST))
          (setmap packets-of key 1)
          (count-ct +ct-new+)))))
  XDP_PASS)
