;;; Packets. One set of macros for XDP and TC, and for programs whose packet
;;; starts at the IP header. The plain IPv4 forms take a header of 20 bytes
;;; (version 4, IHL 5) and count anything else as no match.

(defmacro xdp-data () "The start of the packet." '(ctx data))
(defmacro xdp-data-end () "The end of the packet." '(ctx data-end))
(defmacro tc-data () "The start of the packet." '(ctx data))
(defmacro tc-data-end () "The end of the packet." '(ctx data-end))

(defun %link-length ()
  (case (%prog-packet-start)
    (:eth 14)
    (:ip 0)
    (t (%fail nil (format nil "a ~(~a~) program has no packet headers to parse" (prog-type))
              "a program of type xdp, tc or cgroup-skb"))))

(defun %need-ethernet (what)
  (unless (eq (%prog-packet-start) :eth)
    (%fail nil (format nil "`~(~a~)` needs an Ethernet header, and the packet of a ~(~a~) program starts at the IP header" what (prog-type))
           nil "use with-ipv4, with-tcp or with-udp")))

(defmacro with-packet ((data data-end &key (min-len 0) (min-size 0) pull) &body body)
  "Binds data and data-end to the start and end of the packet and leaves the program with its pass verdict where the packet is shorter than :min-len bytes. :pull t makes the headers linear first (skb programs)."
  (let ((len (if (and (integerp min-len) (integerp min-size)) (max min-len min-size) min-len)))
    `(progn
       ,@(when pull `((skb-pull-data (ctx-ptr) ,len)))
       (let ((,data (ctx data)) (,data-end (ctx data-end)))
         (when (> (+ ,data ,len) ,data-end) (return ,(%prog-pass)))
         ,@body))))

(defmacro with-eth ((data data-end &rest options) &body body)
  "with-packet for at least an Ethernet header; eth-type and the other eth accessors apply to data."
  (%need-ethernet 'with-eth)
  `(with-packet (,data ,data-end :min-len 14 ,@options) ,@body))

;; What must hold of the first bytes for a header of `protocol` to follow.
(defun %ipv4-tests (data protocol)
  (let ((link (%link-length)))
    (append
     (when (= link 14) `((= (load u16 ,data 12) (htons ETH_P_IP))))
     (cond (protocol `((= (load u8 ,data ,link) #x45) (= (load u8 ,data ,(+ link 9)) ,protocol)))
           ((= link 0) `((= (logand (load u8 ,data 0) #xf0) #x40)))))))

(defun %with-header (data data-end var size protocol options body)
  (let ((link (%link-length)))
    `(with-packet (,data ,data-end :min-len ,(+ link size) ,@options)
       ,@(mapcar (lambda (test) `(unless ,test (return ,(%prog-pass)))) (%ipv4-tests data protocol))
       ,(if var
            `(let ((,var (+ ,data ,(+ link (if protocol 20 0))))) ,@body)
            `(progn ,@body)))))

(defmacro with-ipv4 ((data data-end &optional ip &rest options) &body body)
  "Binds ip to the IPv4 header; leaves the program with its pass verdict where the packet is no IPv4 or too short."
  (%with-header data data-end ip 20 nil options body))

(defmacro with-tcp ((data data-end &optional tcp &rest options) &body body)
  "Binds tcp to the TCP header of an IPv4 packet without options; leaves the program with its pass verdict otherwise."
  (%with-header data data-end tcp 40 'IPPROTO_TCP options body))

(defmacro with-udp ((data data-end &optional udp &rest options) &body body)
  "Binds udp to the UDP header of an IPv4 packet without options; leaves the program with its pass verdict otherwise."
  (%with-header data data-end udp 28 'IPPROTO_UDP options body))

(defmacro with-icmp ((data data-end &optional icmp &rest options) &body body)
  "Binds icmp to the ICMP header of an IPv4 packet without options; leaves the program with its pass verdict otherwise."
  (%with-header data data-end icmp 28 'IPPROTO_ICMP options body))

(defmacro with-tc-packet (&rest all) "The same as with-packet." `(with-packet ,@all))
(defmacro with-tc-eth (&rest all) "The same as with-eth." `(with-eth ,@all))
(defmacro with-tc-ipv4 (&rest all) "The same as with-ipv4." `(with-ipv4 ,@all))
(defmacro with-tc-tcp (&rest all) "The same as with-tcp." `(with-tcp ,@all))
(defmacro with-tc-udp (&rest all) "The same as with-udp." `(with-udp ,@all))

(defun %parse (data data-end size protocol)
  (let ((link (%link-length)) (d (gensym "DATA")))
    `(%once ((,d ,data))
       (if (and (<= (+ ,d ,(+ link size)) ,data-end) ,@(%ipv4-tests d protocol))
           (+ ,d ,(+ link (if protocol 20 0)))
           0))))

(defmacro parse-eth (data data-end)
  "The Ethernet header, or 0 where the packet is too short."
  (%need-ethernet 'parse-eth)
  (let ((d (gensym "DATA")))
    `(%once ((,d ,data)) (if (<= (+ ,d 14) ,data-end) ,d 0))))

(defmacro parse-ipv4 (data data-end)
  "The IPv4 header, or 0 where the packet is no IPv4 or too short."
  (%parse data data-end 20 nil))

(defmacro parse-tcp (data data-end)
  "The TCP header of an IPv4 packet without options, or 0."
  (%parse data data-end 40 'IPPROTO_TCP))

(defmacro parse-udp (data data-end)
  "The UDP header of an IPv4 packet without options, or 0."
  (%parse data data-end 28 'IPPROTO_UDP))
