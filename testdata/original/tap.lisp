;;; tap.lisp — A socket filter that picks DNS and ARP out of a capture.
;;;
;;; For setsockopt(SO_ATTACH_BPF) on a packet socket.  The result is how many
;;; bytes of the packet to keep; 0 drops it.  Reads with skb-load-bytes, since
;;; a socket filter has no direct access to the packet.

(in-package #:whistler)

(defconstant +keep-all+ #xffffffff)
(defconstant +keep-headers+ 64)

(defstruct l4-ports
  (source u16)
  (dest   u16))

(defmap tap-lengths :type :array
  :key-size 4 :value-size 8 :max-entries 16)

(defmap tap-errors :type :array
  :key-size 4 :value-size 8 :max-entries 1)

(defmacro skb-byte (offset)
  "One byte of the packet; leaves the program if it is not there."
  (let ((buf (gensym "BUF")))
    `(let ((,buf (struct-alloc 8)))
       (when (s< (skb-load-bytes (ctx-ptr) ,offset ,buf 1) 0)
         (incf (getmap tap-errors 0))
         (return 0))
       (load u8 ,buf 0))))

(defprog tap (:type :socket-filter :section "socket" :license "GPL")
  (let ((bucket (log2 (ctx len)))
        (first (skb-byte 0)))
    (incf (getmap tap-lengths (logand bucket 15)))
    (cond
      ((= (>> first 4) 4)
       (let ((proto (skb-byte 9))
             (ports (make-l4-ports))
             (ihl (* (logand first 15) 4)))
         (when (/= proto +ip-proto-udp+)
           (return 0))
         (when (s< (skb-load-bytes (ctx-ptr) ihl ports (sizeof l4-ports)) 0)
           (incf (getmap tap-errors 0))
           (return 0))
         (when (or (= (l4-ports-dest ports) (htons 53))
                   (= (l4-ports-source ports) (htons 53)))
           (return +keep-all+))
         +keep-headers+))
      ((= (>> first 4) 6) +keep-headers+)
      (t 0))))
