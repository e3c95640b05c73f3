;;; ping-responder.lisp — Answers echo requests in the driver.
;;;
;;; Turns an ICMP echo request around: addresses swapped, type set to reply,
;;; checksum adjusted, and sent back with XDP_TX.  Every tenth one is let
;;; through, so that the stack still sees that somebody pings.
;;;
;;; The time of the last answer is kept with a raw call instruction, which is
;;; how helpers without a name were called.

(in-package #:whistler)

(defmap ping-stats :type :array
  :key-size 4 :value-size 8 :max-entries 3)

(defmap last-answer :type :array
  :key-size 4 :value-size 8 :max-entries 1)

(defconstant +icmp-echo+ 8)
(defconstant +icmp-echo-reply+ 0)

(defmacro swap-fields (type ptr a b)
  (let ((x (gensym "X")) (y (gensym "Y")))
    `(let ((,x (load ,type ,ptr ,a))
           (,y (load ,type ,ptr ,b)))
       (store ,type ,ptr ,a ,y)
       (store ,type ,ptr ,b ,x))))

(defmacro swap-macs (eth)
  `(progn
     (swap-fields u32 ,eth 0 6)
     (swap-fields u16 ,eth 4 10)))

(defprog ping-responder (:type :xdp :section "xdp" :license "GPL")
  (let ((data     (xdp-data))
        (data-end (xdp-data-end)))
    (declare (type u64 data data-end))
    (when (> (+ data (+ +eth-hdr-len+ +ipv4-hdr-len+ +icmp-hdr-len+)) data-end)
      (return XDP_PASS))
    (unless (and (= (eth-type data) +ethertype-ipv4+)
                 (= (ipv4-ver-ihl (+ data +eth-hdr-len+)) #x45)
                 (= (ipv4-protocol (+ data +eth-hdr-len+)) +ip-proto-icmp+))
      (return XDP_PASS))
    (let* ((ip   (+ data +eth-hdr-len+))
           (icmp (+ ip +ipv4-hdr-len+)))
      (unless (and (= (icmp-type icmp) +icmp-echo+)
                   (= (icmp-code icmp) 0))
        (return XDP_PASS))
      (incf (getmap ping-stats 0))
      (when (= (mod (getmap ping-stats 0) 10) 0)
        (incf (getmap ping-stats 1))
        (return XDP_PASS))

      (swap-macs data)
      (swap-fields u32 ip 12 16)
      (store u8 icmp 0 +icmp-echo-reply+)
      ;; One's complement: 8 less in the first byte is 8 more in the sum
      (let ((csum (+ (load u16 icmp 2) +icmp-echo+)))
        (setf csum (+ (logand csum #xffff) (>> csum 16)))
        (store u16 icmp 2 csum))
      (setf (getmap last-answer 0) (asm #x85 0 0 0 5))
      XDP_TX)))
