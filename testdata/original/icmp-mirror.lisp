;;; icmp-mirror.lisp — Answers pings in the driver.
;;;
;;; Echo requests to an address of the table are turned around: addresses are
;;; swapped, the type becomes a reply, and the checksum follows by one addition.
;;; Requests longer than a limit are dropped.  One raw instruction reads the
;;; clock, as programs did for helpers that had no name yet.

(in-package #:whistler)

(defmap answered :type :hash
  :key-size 4 :value-size 8 :max-entries 64)

(defmap last-ping :type :array
  :key-size 4 :value-size 8 :max-entries 1)

(defconstant +max-echo+ 128)
(defconstant +echo-request+ 8)
(defconstant +echo-reply+   0)

(defmacro swap-fields (type ptr a b)
  "Exchange the fields of TYPE at offsets A and B."
  (let ((x (gensym "X")) (y (gensym "Y")))
    `(let ((,x (load ,type ,ptr ,a))
           (,y (load ,type ,ptr ,b)))
       (store ,type ,ptr ,a ,y)
       (store ,type ,ptr ,b ,x))))

(defmacro swap-macs (eth)
  `(progn
     (swap-fields u32 ,eth 0 6)
     (swap-fields u16 ,eth 4 10)))

(defprog icmp-mirror (:type :xdp :section "xdp" :license "GPL")
  (let ((data     (xdp-data))
        (data-end (xdp-data-end)))
    (declare (type u64 data data-end))
    (when (> (+ data (+ +eth-hdr-len+ +ipv4-hdr-len+ +icmp-hdr-len+)) data-end)
      (return XDP_PASS))
    (when (/= (eth-type data) +ethertype-ipv4+)
      (return XDP_PASS))
    (let* ((ip   (+ data +eth-hdr-len+))
           (icmp (+ ip +ipv4-hdr-len+))
           (dst  (ipv4-dst-addr ip)))
      (when (or (/= (ipv4-ver-ihl ip) #x45)
                (/= (ipv4-protocol ip) +ip-proto-icmp+)
                (/= (icmp-type icmp) +echo-request+))
        (return XDP_PASS))
      (when (> (ipv4-total-len ip) +max-echo+)
        (return XDP_DROP))
      (unless (map-lookup answered dst)
        (return XDP_PASS))

      (asm #x85 0 0 0 5)                  ; ktime_get_ns
      (swap-macs data)
      (swap-fields u32 ip 12 16)
      (store u8 icmp 0 +echo-reply+)
      ;; 0x0800 less in the sum: add it to its complement, with the carry
      (let ((sum (+ (ntohs (icmp-checksum icmp)) #x0800)))
        (declare (type u32 sum))
        (setf sum (+ (logand sum #xffff) (>> sum 16)))
        (store u16 icmp 2 (htons sum)))
      (incf (getmap answered dst))
      (setf (getmap last-ping 0) (asm #x85 0 0 0 5))
      (return XDP_TX)))
  XDP_PASS)
