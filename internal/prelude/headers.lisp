;;; Headers: what must hold of a packet's bytes for a header to stand where
;;; the macros of packets.lisp say. A step is a list (:test form) or
;;; (:bind variable form); %chain makes code of steps, %header-steps makes the
;;; steps of a header.

(defun %packet-name () (string-downcase (symbol-name (prog-type))))

(defun %link-length ()
  (case (%prog-packet-start)
    (:eth +eth-hdr-len+)
    (:ip 0)
    (:transport (%fail nil (format nil "the packet of a ~a program starts at the transport header" (%packet-name))
                       nil "the accessors apply to (ctx data) after a check against (ctx data-end)" "no-header"))
    (t (%fail nil (format nil "a ~a program has no packet headers to parse" (%packet-name))
              "a program of type xdp, tc or cgroup-skb" nil "no-header"))))

(defun %need-ethernet (what)
  (when (= (%link-length) 0)
    (%fail nil (format nil "`~a` needs an Ethernet header, and the packet of a ~a program starts at the IP header" what (%packet-name))
           nil "use with-ipv4, with-ipv6, with-tcp or with-udp" "no-ethernet")))

;; A keyword that is a number or a flag of compile time.
(defun %header-version (version)
  (unless (member version '(4 6))
    (%fail version (format nil ":version is ~a" version) "4 or 6" nil "bad-version")))

(defun %header-options (what options vlan version)
  (%header-version version)
  (when (and options (= version 6))
    (%fail nil (format nil "`~a` has :options, which are IPv4's, and :version 6" what) nil
           "IPv6 packets with extension headers are no match" "bad-version"))
  (when (and vlan (= (%link-length) 0))
    (%fail nil (format nil "`~a` has :vlan, and the packet of a ~a program starts at the IP header" what (%packet-name))
           nil "leave :vlan out" "no-ethernet")))

;; The bytes that a form reads at most, for :pull.
(defun %header-reach (size options vlan)
  (+ (%link-length) size (if options 40 0) (if vlan (* 2 +vlan-hdr-len+) 0)))

;; True for the two tag types, customer's and service's.
(defmacro %tag-p (type)
  `(not (and (/= ,type (htons ETH_P_8021Q)) (/= ,type (htons ETH_P_8021AD)))))

;; The start of what follows the Ethernet header and up to two tags. Where a
;; tag is cut off, its type is what the next test finds, which then fails.
(defmacro %skip-tags (data data-end)
  (let* ((one +eth-hdr-len+) (two (+ one +vlan-hdr-len+)) (three (+ two +vlan-hdr-len+)))
    `(if (and (%tag-p (load u16 ,data ,(- one 2))) (<= (+ ,data ,two) ,data-end))
         (if (and (%tag-p (load u16 ,data ,(- two 2))) (<= (+ ,data ,three) ,data-end))
             (+ ,data ,three)
             (+ ,data ,two))
         (+ ,data ,one))))

;; Steps for `size` bytes behind the link layer, which hold the ethertype
;; given (0: any). Gives the steps, and the pointer and offset of the bytes.
(defun %link-steps (data data-end type size vlan)
  (let ((link (%link-length)))
    (if vlan
        (let ((l3 (gensym "L3")))
          (values `((:test (<= (+ ,data ,link) ,data-end))
                    (:bind ,l3 (%skip-tags ,data ,data-end))
                    (:test (<= (+ ,l3 ,size) ,data-end))
                    (:test (= (load u16 ,l3 -2) (htons ,type))))
                  l3 0))
        (values `((:test (<= (+ ,data ,(+ link size)) ,data-end))
                  ,@(when (= link +eth-hdr-len+) `((:test (= (load u16 ,data ,(- link 2)) (htons ,type))))))
                data link))))

;; The version stands in the upper half of the first byte.
(defun %version-step (p off version)
  `(:test (= (logand (load u8 ,p ,off) #xf0) ,(ash version 4))))

(defun %field-step (p off want)
  `(:test (= (load u8 ,p ,off) ,want)))

;; Steps for a transport header of `size` bytes, and a form for its pointer.
(defun %transport-steps (data data-end protocol size version options vlan)
  (let* ((six (= version 6))
         (ip (if six +ipv6-hdr-len+ +ipv4-hdr-len+))
         (type (if six 'ETH_P_IPV6 'ETH_P_IP)))
    (multiple-value-bind (steps p off) (%link-steps data data-end type (if options ip (+ ip size)) vlan)
      (cond (six
             (values (append steps (list (%version-step p off 6) (%field-step p (+ off 6) protocol)))
                     `(+ ,p ,(+ off ip))))
            (options
             (let ((l4 (gensym "L4")))
               (values (append steps
                               (%ihl-steps p off)
                               (list (%field-step p (+ off 9) protocol)
                                     `(:bind ,l4 (%behind-options ,p ,off))
                                     `(:test (<= (+ ,l4 ,size) ,data-end))))
                       l4)))
            (t
             (values (append steps (list (%field-step p off #x45) (%field-step p (+ off 9) protocol)))
                     `(+ ,p ,(+ off ip))))))))

;; Version 4 and IHL 5 to 15 are one range of the first byte.
(defun %ihl-steps (p off)
  `((:test (>= (load u8 ,p ,off) #x45)) (:test (<= (load u8 ,p ,off) #x4f))))

(defmacro %behind-options (p off)
  `(+ (+ ,p ,off) (<< (logand (load u8 ,p ,off) 15) 2)))

;; Steps for the header of a network protocol, and a form for its pointer.
(defun %network-steps (data data-end kind options vlan)
  (multiple-value-bind (type size)
      (case kind
        (:ipv4 (values 'ETH_P_IP +ipv4-hdr-len+))
        (:ipv6 (values 'ETH_P_IPV6 +ipv6-hdr-len+))
        (:arp (values 'ETH_P_ARP +arp-ipv4-len+)))
    (multiple-value-bind (steps p off) (%link-steps data data-end type size vlan)
      (values (append steps
                      (cond ((eq kind :arp)
                             ;; for IPv4 over Ethernet: types and lengths of the addresses
                             `((:test (= (load u32 ,p ,off) (htonl ,(+ (ash ARPHRD_ETHER 16) ETH_P_IP))))
                               (:test (= (load u16 ,p ,(+ off 4)) (htons #x0604)))))
                            (options
                             `(,@(%ihl-steps p off) (:test (<= (%behind-options ,p ,off) ,data-end))))
                            ((= (%link-length) 0)
                             (list (%version-step p off (if (eq kind :ipv4) 4 6))))))
              (if (eql off 0) p `(+ ,p ,off))))))

(defun %vlan-steps (data data-end)
  (let ((eth +eth-hdr-len+))
    (values `((:test (<= (+ ,data ,(+ eth +vlan-hdr-len+)) ,data-end))
              (:test (%tag-p (load u16 ,data ,(- eth 2)))))
            `(+ ,data ,eth))))

;; Code that takes the steps, then evaluates inner; fail where a test does.
(defun %chain (steps fail inner)
  (if (null steps)
      inner
      (let ((step (car steps)))
        (if (eq (car step) :bind)
            `(%once ((,(second step) ,(third step))) ,(%chain (cdr steps) fail inner))
            (let ((tests nil))
              (loop while (and steps (eq (car (car steps)) :test))
                    do (push (second (pop steps)) tests))
              `(if (and ,@(reverse tests)) ,(%chain steps fail inner) ,fail))))))

;; The statement form: (with-X (data data-end var ...) body...).
(defun %with-header (what data data-end var reach pull body make-steps)
  (when (keywordp var)
    (%fail var (format nil "`~a` wants a variable for the header before its keywords, not ~(~s~)" what var)
           (format nil "(~a (data data-end header ...) body...)" what) nil "bad-name"))
  `(with-packet (,data ,data-end :min-len 0 ,@(when pull `(:pull ,reach)))
     ,(multiple-value-bind (steps pointer) (funcall make-steps)
        (%chain steps `(return ,(%prog-pass))
                (if var `(let ((,var ,pointer)) ,@body) `(progn ,@body))))))

;; The expression form: (parse-X data data-end ...) gives a pointer or 0.
(defun %parse-header (data data-end make-steps)
  (when (integerp data-end)
    (%fail data-end (format nil "~a is no pointer to the end of the packet" data-end) "(ctx data-end)" nil "not-a-pointer"))
  (let ((d (gensym "DATA")) (e (gensym "DATA-END")))
    `(%once ((,d ,data) (,e ,data-end))
       ,(multiple-value-bind (steps pointer) (funcall make-steps d e)
          (%chain steps 0 pointer)))))
