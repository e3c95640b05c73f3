;;; cidr-block.lisp — Blocks sources by prefix and by address.
;;;
;;; The prefixes are in an LPM trie, single addresses in a hash map with the
;;; same kind of key.  The key is built in a variable on the stack.

(in-package #:whistler)

(defmap block-nets
  :type :lpm-trie
  :key-size 8
  :value-size 4
  :max-entries 1024
  :map-flags 1)   ; BPF_F_NO_PREALLOC

(defmap block-hosts
  :type :hash
  :key-size 8
  :value-size 1
  :max-entries 1024)

(defmap block-hits :type :percpu-array
  :key-size 4 :value-size 8 :max-entries 8)

(defconstant +hits-net+  0)
(defconstant +hits-host+ 1)

;; IPv6 prefixes: the length, then sixteen bytes
(defstruct lpm6-key
  (prefixlen u32)
  (addr (array u8 16)))

(defmap block-nets6
  :type :lpm-trie
  :key-size 20
  :value-size 4
  :max-entries 1024
  :map-flags BPF_F_NO_PREALLOC)

(defprog cidr-block (:type :xdp :section "xdp" :license "GPL")
  (let ((data     (xdp-data))
        (data-end (xdp-data-end)))
    (when (> (+ data 34) data-end)
      (return XDP_PASS))
    (cond
      ((= (eth-type data) +ethertype-ipv4+)
       (let ((src-addr (ipv4-src-addr (+ data +eth-hdr-len+)))
             (key 0))
         (store u32 (stack-addr key) 0 32)
         (store u32 (stack-addr key) 4 src-addr)
         (let ((policy (map-lookup block-nets key)))
           (when policy
             (incf (getmap block-hits (load u32 policy 0)))
             (return XDP_DROP)))
         (when (map-lookup block-hosts key)
           (incf (getmap block-hits +hits-host+))
           (return XDP_DROP))))
      ((= (eth-type data) +ethertype-ipv6+)
       (when (> (+ data 54) data-end)
         (return XDP_PASS))
       (let ((key (make-lpm6-key)))
         (setf (lpm6-key-prefixlen key) 128)
         (memcpy key 4 data 22 16)
         (when-let ((policy (map-lookup-ptr block-nets6 key)))
           (incf (getmap block-hits (load u32 policy 0)))
           (return XDP_DROP))))))
  XDP_PASS)
