;;; len-sampler.lisp — A socket filter that keeps heads of interesting packets.
;;;
;;; Returns how many bytes the socket gets: 0 drops the packet, a small number
;;; cuts it.  Lengths go into a histogram of powers of two.
;;;
;;;   The socket sees the packet from its Ethernet header on.

(in-package #:whistler)

(defmap len-hist :type :percpu-array
  :key-size 4 :value-size 8 :max-entries 16)

(defmap wanted-protos :type :hash
  :key-size 1 :value-size 4 :max-entries 32)

(defconstant +max-slot+ 15)
(defconstant +head-len+ 96)
(defconstant +no-packet+ 0)

(defmacro skb-byte (offset)
  "A byte of the packet, 0 where there is none."
  (let ((b (gensym "B")))
    `(let ((,b u8 0))
       (skb-load-bytes (ctx-ptr) ,offset (stack-addr ,b) 1)
       ,b)))

(defprog len-sampler (:type :socket-filter :section "socket" :license "GPL")
  (let* ((len  (ctx len))
         (slot (log2 len))
         (ethertype u16 0))
    (declare (type u32 slot))
    (when (> slot +max-slot+)
      (setf slot +max-slot+))
    (when-let ((p (map-lookup len-hist slot)))
      (atomic-add p 0 1))

    (when (s< (skb-load-bytes (ctx-ptr) 12 (stack-addr ethertype) 2) 0)
      (return +no-packet+))
    (when (/= ethertype (htons +ethertype-ipv4+))
      (return +no-packet+))

    (let ((proto (skb-byte 23))
          (ttl   (skb-byte 22)))
      (declare (type u8 proto))
      (cond
        ((= ttl 1) (return 65535))            ; traceroute: all of it
        ((map-lookup wanted-protos proto)
         (let ((limit (getmap wanted-protos proto)))
           (return (if (< limit len) limit len))))
        (t (return (min len +head-len+)))))))
