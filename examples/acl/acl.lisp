;;; Access control lists as a language of their own.
;;;
;;;   (defacl edge (:default deny)
;;;     (allow :proto tcp :to "192.0.2.0/24" :dport (http https))
;;;     (deny  :from ("10.0.0.0/8" "172.16.0.0/12"))
;;;     (allow :proto udp :to "192.0.2.53" :dport domain :sport 1024-65535))
;;;
;;; The first rule that matches a packet decides. `defacl` does not compile the
;;; rules one after the other: it builds a decision tree while the program is
;;; compiled, so that a packet is compared some twenty times, whether there are
;;; 20 rules or 2,000. What it defines is a subprogram:
;;;
;;;   (edge protocol source destination source-port destination-port)
;;;
;;; Addresses and ports are in host order, the ports of other protocols than
;;; TCP and UDP are 0. `acl-rule-of` takes the number of the rule out of the
;;; answer (from 1 on, 0 for the default), `acl-allows-p` its action.
;;; `with-acl` does all of it for a packet.
;;;
;;; A rule with a mistake is an error that shows the rule; one that no packet
;;; reaches, because those of its kind before it take them all, is a warning.

;;; Names that rules may use for numbers.

(defparameter *acl-protocols*
  '((icmp . 1) (igmp . 2) (tcp . 6) (udp . 17) (gre . 47) (esp . 50) (ah . 51) (ospf . 89) (sctp . 132)))

(defparameter *acl-services*
  '((ftp . 21) (ssh . 22) (telnet . 23) (smtp . 25) (domain . 53) (tftp . 69) (http . 80) (pop3 . 110) (ntp . 123)
    (imap . 143) (snmp . 161) (bgp . 179) (ldap . 389) (https . 443) (syslog . 514) (submission . 587) (ldaps . 636)
    (imaps . 993) (mysql . 3306) (rdp . 3389) (sip . 5060) (postgresql . 5432) (redis . 6379)))

(defun acl-complain (rule control &rest args)
  "An error in a rule: what is wrong, and which rule it is."
  (error "~a, in the rule ~(~s~)" (apply (function format) nil control args) rule))

;;; Boxes. What a rule matches is a box in five dimensions: protocol, source,
;;; destination and the two ports, each from a lowest to a highest number. A
;;; box is a vector of these ten.

(defparameter *acl-dimensions* '((0 . protocol) (2 . source) (4 . destination) (6 . source-port) (8 . destination-port))
  "The dimensions, by where their bounds stand in a box, and the parameters of
the subprogram.")

(defun acl-everything ()
  "The box of all packets."
  (vector 0 255 0 #xffffffff 0 #xffffffff 0 65535 0 65535))

(defmacro acl-low (box dimension) `(aref ,box ,dimension))
(defmacro acl-high (box dimension) `(aref ,box (1+ ,dimension)))

(defun acl-with (box dimension low high)
  "A copy of box with other bounds in one dimension."
  (let ((new (copy-seq box)))
    (setf (acl-low new dimension) low
          (acl-high new dimension) high)
    new))

(defun acl-covers-p (a b)
  "True when all of box b is in box a."
  (macrolet ((in-all-dimensions ()
               `(and ,@(loop for (d) in *acl-dimensions*
                             collect `(<= (acl-low a ,d) (acl-low b ,d))
                             collect `(>= (acl-high a ,d) (acl-high b ,d))))))
    (in-all-dimensions)))

;;; Reading rules. Each reader takes what stands behind a keyword and gives a
;;; list of (low . high): alternatives.

(defun acl-number (rule text)
  (let ((n (ignore-errors (parse-integer text))))
    (unless (and n (every (function digit-char-p) text))
      (acl-complain rule "`~a` is no number" text))
    n))

(defun acl-fields (text separator)
  "The parts of text between separators."
  (let ((fields nil) (start 0))
    (loop
      (let ((end (position separator text :start start)))
        (push (subseq text start end) fields)
        (if end (setf start (1+ end)) (return (nreverse fields)))))))

(defun acl-address (rule text)
  "The number of an IPv4 address such as \"192.0.2.1\"."
  (let ((bytes (mapcar (lambda (x) (acl-number rule x)) (acl-fields text #\.))))
    (unless (and (= (length bytes) 4) (every (lambda (x) (<= 0 x 255)) bytes))
      (acl-complain rule "`~a` is no IPv4 address" text))
    (reduce (lambda (sum x) (+ (* 256 sum) x)) bytes)))

(defun acl-dotted (address)
  "An address as people write it."
  (format nil "~{~d~^.~}" (loop for shift in '(-24 -16 -8 0) collect (logand 255 (ash address shift)))))

(defun acl-network (rule text)
  "The bounds of a network such as \"192.0.2.0/24\", or of a single address."
  (unless (stringp text)
    (acl-complain rule "a network is a string such as \"192.0.2.0/24\", not ~(~s~)" text))
  (let* ((slash (position #\/ text))
         (address (acl-address rule (subseq text 0 slash)))
         (bits (if slash (acl-number rule (subseq text (1+ slash))) 32)))
    (unless (<= 0 bits 32)
      (acl-complain rule "the prefix of `~a` is longer than 32 bits" text))
    (let* ((size (ash 1 (- 32 bits))) (first (* size (floor address size))))
      (unless (= first address)
        (acl-complain rule "`~a` is no network: did you mean ~a/~d?" text (acl-dotted first) bits))
      (cons first (+ first size -1)))))

(defun acl-port (rule spec)
  "The bounds of a port: a number, a service or a range such as 1024-65535."
  (let* ((name (if (symbolp spec) (symbol-name spec) ""))
         (dash (position #\- name))
         (service (and (symbolp spec) (assoc spec *acl-services*)))
         (range (cond ((integerp spec) (cons spec spec))
                      (service (cons (cdr service) (cdr service)))
                      ((and dash (digit-char-p (char name 0)))
                       (cons (acl-number rule (subseq name 0 dash)) (acl-number rule (subseq name (1+ dash)))))
                      (t (acl-complain rule "`~(~a~)` is no port: neither a number nor a range, nor one of~{ ~(~a~)~}" spec
                                       (mapcar (function car) *acl-services*))))))
    (unless (<= 0 (car range) (cdr range) 65535)
      (acl-complain rule "~(~a~) is no range of ports" spec))
    range))

(defun acl-protocol (rule spec)
  (let* ((row (and (symbolp spec) (assoc spec *acl-protocols*))) (n (if row (cdr row) spec)))
    (unless (and (integerp n) (<= 0 n 255))
      (acl-complain rule "`~(~a~)` is no protocol: neither a number nor one of~{ ~(~a~)~}" spec (mapcar (function car) *acl-protocols*)))
    (cons n n)))

;; For each keyword: its dimension, and how its values are read.
(defparameter *acl-keywords*
  '((:proto 0 acl-protocol) (:from 2 acl-network) (:to 4 acl-network) (:sport 6 acl-port) (:dport 8 acl-port)))

(defun acl-boxes (rule)
  "The boxes of a rule: one for every choice among its alternatives."
  (let ((boxes (list (acl-everything))) (plist (cdr rule)))
    (loop
      (when (null plist) (return boxes))
      (let ((row (assoc (car plist) *acl-keywords*)) (values (cadr plist)))
        (unless row
          (acl-complain rule "`~(~s~)` is not one of~{ ~(~s~)~}" (car plist) (mapcar (function car) *acl-keywords*)))
        (unless (cdr plist)
          (acl-complain rule "no value follows `~(~s~)`" (car plist)))
        (when (and (member (car plist) '(:sport :dport))
                   (set-difference (acl-list (getf (cdr rule) :proto '(any))) '(tcp udp sctp)))
          (acl-complain rule "ports want `:proto tcp`, `udp` or `sctp`"))
        (setf boxes
              (loop for v in (acl-list values)
                    for range = (funcall (third row) rule v)
                    append (mapcar (lambda (b) (acl-with b (second row) (car range) (cdr range))) boxes)))
        (setf plist (cddr plist))))))

(defun acl-list (x) (if (listp x) x (list x)))

(defun acl-action (rule action)
  (case action
    (allow 1)
    (deny 0)
    (t (acl-complain rule "`~(~a~)` is no action: allow or deny" action))))

(defun acl-entries (rules)
  "(answer . box) for each box of each rule, in their order. The answer is
twice the rule's number, and 1 more where it allows."
  (loop for rule in rules
        for number from 1
        for answer = (if (consp rule)
                         (+ (* 2 number) (acl-action rule (car rule)))
                         (error "~(~s~) is no rule: (allow ...) or (deny ...)" rule))
        append (mapcar (lambda (box) (cons answer box)) (acl-boxes rule))))

;;; Rules of two kinds in one tree make it large: each part of the one kind
;;; would have all of the other below it. So rules that look at the source
;;; alone, such as lists of hosts to block, have trees of their own, and a
;;; packet goes from tree to tree until one has an answer, which is not 0.

(defun acl-source-only-p (entry)
  (let ((box (cdr entry)) (all (acl-everything)))
    (and (= (acl-low box 4) (acl-low all 4)) (= (acl-high box 4) (acl-high all 4))
         (not (and (= (acl-low box 2) (acl-low all 2)) (= (acl-high box 2) (acl-high all 2)))))))

(defun acl-runs (entries)
  "The entries in their order, in lists of one kind."
  (let ((runs nil) (run nil))
    (dolist (e entries)
      (when (and run (not (eq (acl-source-only-p e) (acl-source-only-p (car run)))))
        (push (nreverse run) runs)
        (setf run nil))
      (push e run))
    (nreverse (if run (cons (nreverse run) runs) runs))))

;;; The tree: an answer, or (test dimension number yes no), the test being <
;;; or = for a comparison of that dimension with the number.

(defun acl-relevant (entries box dimension)
  "The entries that decide packets in box, of those that decide in one which
is larger in that dimension: up to one that takes all that is left."
  (let ((found nil) (low (acl-low box dimension)) (high (acl-high box dimension)))
    (dolist (e entries)
      (when (and (<= (acl-low (cdr e) dimension) high) (>= (acl-high (cdr e) dimension) low))
        (push e found)
        (when (acl-covers-p (cdr e) box) (return))))
    (nreverse found)))

(defun acl-cut (entries box dimension)
  "Where to cut box, nil if no entry has a bound inside of it: at the median of
these bounds. The second value is true where all of them are those of a single
number, to be told apart with =; the cut is that number then."
  (let ((edges nil) (point nil) (low (acl-low box dimension)) (high (acl-high box dimension)))
    (dolist (e entries)
      (let* ((b (cdr e)) (from (acl-low b dimension)) (to (acl-high b dimension)))
        (when (or (< low from) (< to high))
          (when (< low from) (push from edges))
          (when (< to high) (push (1+ to) edges))
          (setf point (if (and (= from to) (or (null point) (eql point from))) from 'none)))))
    (cond ((integerp point) (values point t))
          (edges (values (elt (sort edges (function <)) (floor (length edges) 2)) nil)))))

(defun acl-cost (entries dimension cut)
  "How many entries are left to look at on both sides of a cut: those that it
goes through count twice."
  (let ((sum 0))
    (dolist (e entries)
      (let ((b (cdr e)))
        (when (< (acl-low b dimension) cut) (incf sum))
        (when (>= (acl-high b dimension) cut) (incf sum))))
    sum))

(defun acl-best-cut (entries box)
  "The cheapest of the cuts: its dimension, its place and whether it is a
single number. A cut through no entry is as cheap as can be."
  (let ((best nil) (where nil) (single nil) (least nil) (cheap (length entries)))
    (dolist (d '(0 2 4 6 8))
      (multiple-value-bind (cut point) (acl-cut entries box d)
        (when cut
          (let ((cost (acl-cost entries d cut)))
            (when (or (null least) (< cost least))
              (setf best d where cut single point least cost))
            (when (= cost cheap) (return))))))
    (values best where single)))

(defun acl-alone (entry box)
  "The tree where one entry is left: a test for each of its bounds in box."
  (let ((tree (car entry)))
    (dolist (d '(8 6 4 2 0))
      (let ((from (acl-low (cdr entry) d)) (to (acl-high (cdr entry) d)) (low (acl-low box d)) (high (acl-high box d)))
        (cond ((and (<= from low) (>= to high)))
              ((= from to) (setf tree (list '= d from tree 0)))
              (t (when (< to high) (setf tree (list '< d (1+ to) tree 0)))
                 (when (< low from) (setf tree (list '< d from 0 tree)))))))
    tree))

(defun acl-tree (entries box &optional (dimension 0))
  "The tree for the packets in box; its answer is 0 where no entry has one.
The entries are those for a box that is larger in that dimension."
  (let ((entries (acl-relevant entries box dimension)))
    (cond ((null entries) 0)
          ((null (cdr entries)) (acl-alone (car entries) box))
          ((acl-covers-p (cdar entries) box) (caar entries))
          (t (multiple-value-bind (d cut single) (acl-best-cut entries box)
               (let ((yes (acl-tree entries (acl-with box d (if single cut (acl-low box d)) (if single cut (1- cut))) d))
                     (no (if single
                             (acl-tree (remove-if (lambda (e) (= (acl-low (cdr e) d) cut (acl-high (cdr e) d))) entries) box d)
                             (acl-tree entries (acl-with box d cut (acl-high box d)) d))))
                 (if (equal yes no) yes (list (if single '= '<) d cut yes no))))))))

(defun acl-mark (tree seen)
  "Marks in the vector seen the rules whose answers the tree can give."
  (cond ((consp tree)
         (acl-mark (fourth tree) seen)
         (acl-mark (fifth tree) seen))
        (t (setf (aref seen (floor tree 2)) t))))

(defun acl-code (tree)
  "The tree as nested tests."
  (if (consp tree)
      (destructuring-bind (test dimension number yes no) tree
        `(if (,test ,(cdr (assoc dimension *acl-dimensions*)) ,number) ,(acl-code yes) ,(acl-code no)))
      tree))

;;; What sources use.

(defmacro defacl (name (&key (default 'deny)) &body rules)
  "Defines the subprogram NAME, which finds the first of the rules that
matches."
  (let* ((trees (mapcar (lambda (run) (acl-tree run (acl-everything))) (acl-runs (acl-entries rules))))
         (seen (make-array (1+ (length rules)) :initial-element nil)))
    (dolist (tree trees) (acl-mark tree seen))
    (loop for rule in rules
          for number from 1
          do (unless (aref seen number)
               (warn "no packet gets to rule ~d: ~(~s~)" number rule)))
    `(defsubprog ,name ,(mapcar (lambda (d) (list (cdr d) 'u32)) *acl-dimensions*) u32
       (or ,@(mapcar (function acl-code) trees) ,(acl-action name default)))))

(defmacro acl-rule-of (answer)
  "The number of the rule that gave the answer, 0 for the default."
  `(>> ,answer 1))

(defmacro acl-allows-p (answer)
  "1 if the rule that gave the answer allows the packet."
  `(logand ,answer 1))

(defmacro with-acl ((answer acl) &body body)
  "Binds ANSWER to what ACL says of an IPv4 packet, with or without options.
Others leave the program with its pass verdict, and so do fragments behind
the first, which have no ports."
  (let ((data (gensym "DATA")) (end (gensym "END")) (ip (gensym "IP")) (l4 (gensym "L4")) (proto (gensym "PROTO"))
        (sport (gensym "SPORT")) (dport (gensym "DPORT")))
    `(with-ipv4 (,data ,end ,ip :options t)
       (let ((,proto (ipv4-protocol ,ip)) (,sport u32 0) (,dport u32 0))
         (when (or (= ,proto IPPROTO_TCP) (= ,proto IPPROTO_UDP) (= ,proto IPPROTO_SCTP))
           (unless (zerop (logand (ipv4-frag-off ,ip) #x1fff)) (return XDP_PASS))
           (let ((,l4 (+ ,ip (* 4 (logand (ipv4-ver-ihl ,ip) 15)))))
             (when (> (+ ,l4 4) ,end) (return XDP_DROP))
             (setf ,sport (ntohs (load u16 ,l4 0))
                   ,dport (ntohs (load u16 ,l4 2)))))
         (let ((,answer (,acl ,proto (ntohl (ipv4-src-addr ,ip)) (ntohl (ipv4-dst-addr ,ip)) ,sport ,dport)))
           ,@body)))))
