;;; Packets. One set of macros for XDP and TC, and for programs whose packet
;;; starts at the IP header. The plain IPv4 forms take a header of 20 bytes
;;; (version 4, IHL 5) before they read beyond it and count anything else as
;;; no match; headers.lisp has the tests.

(defmacro xdp-data () "The start of the packet." '(ctx data))
(defmacro xdp-data-end () "The end of the packet." '(ctx data-end))
(defmacro tc-data () "The start of the packet." '(ctx data))
(defmacro tc-data-end () "The end of the packet." '(ctx data-end))

(defmacro with-packet ((data data-end &key (min-len 0) (min-size 0) pull) &body body)
  "Binds data and data-end to the start and end of the packet and leaves the program with its pass verdict where the packet is shorter than :min-len bytes (or :min-size, another name for it). In programs on socket buffers, :pull t first makes these bytes linear, :pull n that many."
  (when (and pull (not (%prog-skb-p)))
    (%fail nil (format nil ":pull is for programs on socket buffers, and a ~a program has none" (%packet-name)) nil "leave :pull out" "no-skb"))
  (let ((len (if (and (integerp min-len) (integerp min-size)) (max min-len min-size) (if (eql min-len 0) min-size min-len))))
    `(progn
       ,@(when pull `((skb-pull-data (ctx-ptr) (min (ctx len) ,(if (eq pull t) len pull)))))
       (let ((,data (ctx data)) (,data-end (ctx data-end)))
         ,@(unless (eql len 0) `((when (> (+ ,data ,len) ,data-end) (return ,(%prog-pass)))))
         ,@body))))

(defmacro with-eth ((data data-end &key pull) &body body)
  "with-packet for at least an Ethernet header; eth-type and the other eth accessors apply to data. :pull t makes the header linear first."
  (%need-ethernet "with-eth")
  `(with-packet (,data ,data-end :min-len +eth-hdr-len+ ,@(when pull '(:pull t))) ,@body))

(defmacro with-vlan ((data data-end &optional vlan &key pull) &body body)
  "Binds vlan to the first VLAN tag (type 8021Q or 8021AD) behind the Ethernet header; leaves the program with its pass verdict where there is none. Where the hardware or the kernel took the tag out of the packet, it is no match: an skb has it in (ctx vlan-tci)."
  (%need-ethernet "with-vlan")
  (%with-header "with-vlan" data data-end vlan (%header-reach +vlan-hdr-len+ nil nil) pull body
                (lambda () (%vlan-steps data data-end))))

(defmacro with-arp ((data data-end &optional arp &key vlan pull) &body body)
  "Binds arp to the ARP header with the addresses of IPv4 over Ethernet (28 bytes); leaves the program with its pass verdict where the packet has none. :vlan t skips up to two VLAN tags, :pull t makes the header linear first (skb programs)."
  (%need-ethernet "with-arp")
  (%with-header "with-arp" data data-end arp (%header-reach +arp-ipv4-len+ nil vlan) pull body
                (lambda () (%network-steps data data-end :arp nil vlan))))

(defmacro with-ipv4 ((data data-end &optional ip &key options vlan pull) &body body)
  "Binds ip to the IPv4 header of 20 bytes; leaves the program with its pass verdict where the packet is no IPv4 or too short. The ethertype decides; what follows the header is not looked at. :options t demands version 4, IHL 5 to 15 and that all of the header with its options is there, :vlan t skips up to two VLAN tags, :pull t makes the headers linear first (skb programs)."
  (%header-options "with-ipv4" options vlan 4)
  (%with-header "with-ipv4" data data-end ip (%header-reach +ipv4-hdr-len+ options vlan) pull body
                (lambda () (%network-steps data data-end :ipv4 options vlan))))

(defmacro with-ipv6 ((data data-end &optional ip &key vlan pull) &body body)
  "Binds ip to the IPv6 header of 40 bytes; leaves the program with its pass verdict where the packet is no IPv6 or too short. :vlan t skips up to two VLAN tags, :pull t makes the headers linear first (skb programs)."
  (%header-options "with-ipv6" nil vlan 6)
  (%with-header "with-ipv6" data data-end ip (%header-reach +ipv6-hdr-len+ nil vlan) pull body
                (lambda () (%network-steps data data-end :ipv6 nil vlan))))

(defun %with-transport (what data data-end var protocol size version options vlan pull body)
  (%header-options what options vlan version)
  (%with-header what data data-end var
                (%header-reach (+ size (if (= version 6) +ipv6-hdr-len+ +ipv4-hdr-len+)) options vlan) pull body
                (lambda () (%transport-steps data data-end protocol size version options vlan))))

(defmacro with-tcp ((data data-end &optional tcp &key options vlan pull (version 4)) &body body)
  "Binds tcp to the TCP header (20 bytes) of an IPv4 packet; leaves the program with its pass verdict otherwise. The plain form counts IPv4 packets with options as no match, so a filter on it lets them pass: :options t takes them too (IHL 5 to 15). :version 6 takes IPv6 in the place of IPv4, where a packet with extension headers is no match. :vlan t skips up to two VLAN tags, :pull t makes the headers linear first (skb programs). Fragments are not told apart: see ipv4-frag-off."
  (%with-transport "with-tcp" data data-end tcp 'IPPROTO_TCP +tcp-hdr-len+ version options vlan pull body))

(defmacro with-udp ((data data-end &optional udp &key options vlan pull (version 4)) &body body)
  "Binds udp to the UDP header of an IPv4 packet; leaves the program with its pass verdict otherwise. Keywords are with-tcp's; the plain form counts IPv4 packets with options as no match, so a filter on it lets them pass."
  (%with-transport "with-udp" data data-end udp 'IPPROTO_UDP +udp-hdr-len+ version options vlan pull body))

(defmacro with-icmp ((data data-end &optional icmp &key options vlan pull) &body body)
  "Binds icmp to the ICMP header (8 bytes) of an IPv4 packet; leaves the program with its pass verdict otherwise. Keywords are with-tcp's; the plain form counts IPv4 packets with options as no match, so a filter on it lets them pass."
  (%with-transport "with-icmp" data data-end icmp 'IPPROTO_ICMP +icmp-hdr-len+ 4 options vlan pull body))

(defmacro with-icmpv6 ((data data-end &optional icmp &key vlan pull) &body body)
  "Binds icmp to the ICMPv6 header (8 bytes) of an IPv6 packet; leaves the program with its pass verdict otherwise. A packet with extension headers is no match. :vlan and :pull are with-tcp's."
  (%with-transport "with-icmpv6" data data-end icmp 'IPPROTO_ICMPV6 +icmpv6-hdr-len+ 6 nil vlan pull body))

(defmacro with-tc-packet (&rest all) "The same as with-packet." `(with-packet ,@all))
(defmacro with-tc-eth (&rest all) "The same as with-eth." `(with-eth ,@all))
(defmacro with-tc-ipv4 (&rest all) "The same as with-ipv4." `(with-ipv4 ,@all))
(defmacro with-tc-tcp (&rest all) "The same as with-tcp." `(with-tcp ,@all))
(defmacro with-tc-udp (&rest all) "The same as with-udp." `(with-udp ,@all))

(defmacro parse-eth (data data-end)
  "The Ethernet header, or 0 where the packet is too short."
  (%need-ethernet "parse-eth")
  (%parse-header data data-end (lambda (d e) (values `((:test (<= (+ ,d +eth-hdr-len+) ,e))) d))))

(defmacro parse-vlan (data data-end)
  "The first VLAN tag (type 8021Q or 8021AD) behind the Ethernet header, or 0 where there is none."
  (%need-ethernet "parse-vlan")
  (%parse-header data data-end (function %vlan-steps)))

(defmacro parse-arp (data data-end &key vlan)
  "The ARP header with the addresses of IPv4 over Ethernet (28 bytes), or 0. :vlan t skips up to two VLAN tags."
  (%need-ethernet "parse-arp")
  (%parse-header data data-end (lambda (d e) (%network-steps d e :arp nil vlan))))

(defmacro parse-ipv4 (data data-end &key options vlan)
  "The IPv4 header, or 0 where the packet is no IPv4 or too short for 20 bytes. :options t demands version 4, IHL 5 to 15 and that the options are there, :vlan t skips up to two VLAN tags."
  (%header-options "parse-ipv4" options vlan 4)
  (%parse-header data data-end (lambda (d e) (%network-steps d e :ipv4 options vlan))))

(defmacro parse-ipv6 (data data-end &key vlan)
  "The IPv6 header, or 0 where the packet is no IPv6 or too short for 40 bytes. :vlan t skips up to two VLAN tags."
  (%header-options "parse-ipv6" nil vlan 6)
  (%parse-header data data-end (lambda (d e) (%network-steps d e :ipv6 nil vlan))))

(defun %parse-transport (what data data-end protocol size version options vlan)
  (%header-options what options vlan version)
  (%parse-header data data-end (lambda (d e) (%transport-steps d e protocol size version options vlan))))

(defmacro parse-tcp (data data-end &key options vlan (version 4))
  "The TCP header of an IPv4 packet, or 0. The plain form counts IPv4 packets with options as no match; :options t takes them too (IHL 5 to 15). :version 6 takes IPv6 without extension headers in the place of IPv4: (or (parse-tcp d e) (parse-tcp d e :version 6)) takes both. :vlan t skips up to two VLAN tags."
  (%parse-transport "parse-tcp" data data-end 'IPPROTO_TCP +tcp-hdr-len+ version options vlan))

(defmacro parse-udp (data data-end &key options vlan (version 4))
  "The UDP header of an IPv4 packet, or 0. Keywords are parse-tcp's; the plain form counts IPv4 packets with options as no match."
  (%parse-transport "parse-udp" data data-end 'IPPROTO_UDP +udp-hdr-len+ version options vlan))

(defmacro parse-icmp (data data-end &key options vlan)
  "The ICMP header of an IPv4 packet, or 0. Keywords are parse-tcp's; the plain form counts IPv4 packets with options as no match."
  (%parse-transport "parse-icmp" data data-end 'IPPROTO_ICMP +icmp-hdr-len+ 4 options vlan))

(defmacro parse-icmpv6 (data data-end &key vlan)
  "The ICMPv6 header of an IPv6 packet without extension headers, or 0. :vlan t skips up to two VLAN tags."
  (%parse-transport "parse-icmpv6" data data-end 'IPPROTO_ICMPV6 +icmpv6-hdr-len+ 6 nil vlan))
