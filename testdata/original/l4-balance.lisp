;;; l4-balance.lisp — A small TCP load balancer.
;;;
;;; A virtual service (address, port) has a number of real servers.  The
;;; server of a connection follows from a hash of its addresses and ports, so
;;; all its packets go to one server.  Address and port are rewritten, and
;;; both checksums follow incrementally.
;;;
;;; Maps are filled by user space; addresses and ports in network order.

(in-package #:whistler)

;;; ---- Structs ----

(defstruct svc-key
  (addr u32)    ; virtual address
  (port u16)    ; virtual port
  (slot u16)    ; 0: the service itself, 1..n: its servers
  (proto u8)
  (pad1 u8)
  (pad2 u16))   ; 12 bytes

(defstruct svc-val
  (addr  u32)
  (port  u16)
  (count u16)   ; servers, in slot 0
  (hits  u64))  ; 16 bytes

;;; ---- Maps ----

(defmap services :type :hash
  :key-size 12 :value-size 16 :max-entries 1024)

(defmap lb-stats :type :array
  :key-size 4 :value-size 8 :max-entries 3)

(defconstant +lb-rewritten+ 0)
(defconstant +lb-no-server+ 1)
(defconstant +lb-other+     2)

;;; ---- Checksums ----

(defmacro csum-add-16 (sum value)
  `(setf ,sum (+ ,sum (logand ,value #xffff))))

(defmacro csum-replace-32 (ptr offset old new)
  "Update the checksum at PTR+OFFSET for a 32-bit field that changes."
  (let ((sum (gensym "SUM")) (o (gensym "OLD")) (n (gensym "NEW")))
    `(let ((,o ,old) (,n ,new)
           (,sum (logxor (load u16 ,ptr ,offset) #xffff)))
       (csum-add-16 ,sum (logxor ,o #xffff))
       (csum-add-16 ,sum (logxor (>> ,o 16) #xffff))
       (csum-add-16 ,sum ,n)
       (csum-add-16 ,sum (>> ,n 16))
       (setf ,sum (+ (logand ,sum #xffff) (>> ,sum 16)))
       (setf ,sum (+ (logand ,sum #xffff) (>> ,sum 16)))
       (store u16 ,ptr ,offset (logxor ,sum #xffff)))))

(defmacro csum-replace-16 (ptr offset old new)
  `(csum-replace-32 ,ptr ,offset (cast u16 ,old) (cast u16 ,new)))

;;; ---- Program ----

(defprog l4-balance (:type :xdp :section "xdp" :license "GPL")
  (with-tcp (data data-end tcp)
    (let* ((ip    (+ data +eth-hdr-len+))
           (daddr (ipv4-dst-addr ip))
           (dport (load u16 tcp 2))
           (key   (make-svc-key)))
      (declare (type u64 ip)
               (type u32 daddr)
               (type u16 dport))
      (setf (svc-key-addr key)  daddr
            (svc-key-port key)  dport
            (svc-key-proto key) +ip-proto-tcp+)
      (let ((svc (map-lookup-ptr services key)))
        (unless svc
          (incf (getmap lb-stats +lb-other+))
          (return XDP_PASS))
        (let* ((count (svc-val-count svc))
               (hash  (logxor (ipv4-src-addr ip)
                              (* (load u16 tcp 0) #x9e3779b1)))
               (slot  (+ (mod (logxor hash (>> hash 15)) count) 1)))
          (when (= count 0)
            (incf (getmap lb-stats +lb-no-server+))
            (return XDP_DROP))
          (setf (svc-key-slot key) slot)
          (if-let (server (map-lookup-ptr services key))
            (let ((new-addr (svc-val-addr server))
                  (new-port (svc-val-port server)))
              ;; The IP header, then TCP: its checksum covers the address too
              (csum-replace-32 ip 10 daddr new-addr)
              (csum-replace-32 tcp 16 daddr new-addr)
              (csum-replace-16 tcp 16 dport new-port)
              (store u32 ip 16 new-addr)
              (store u16 tcp 2 new-port)
              (atomic-add server 8 1)
              (incf (getmap lb-stats +lb-rewritten+))
              (return XDP_TX))
            (progn
              (incf (getmap lb-stats +lb-no-server+))
              (return XDP_DROP)))))))
  XDP_PASS)
