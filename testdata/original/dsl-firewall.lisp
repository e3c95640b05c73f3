;;; dsl-firewall.lisp — A firewall from a table of rules.
;;;
;;; The rules are data: macros turn each chain of them into a program, with
;;; one counter per rule.  Nothing of the table is left at run time.
;;;
;;; exception: section 15, "an unknown section is an error": the chains were in
;;; sections of their own, "xdp/lan" and "xdp/wan".

(in-package #:whistler)

(eval-when (:compile-toplevel :load-toplevel :execute)
  (defparameter *rules* (make-hash-table :test 'eq)
    "Chain name -> rules, the first match wins.")

  (defvar *rule-count* 0)

  (defun parse-address (text)
    "The number that a u32 load of TEXT's four bytes gives."
    (let ((n 0) (shift 0) (start 0))
      (loop for end = (position #\. text :start start)
            do (setf n (logior n (ash (parse-integer text :start start :end end) shift)))
               (incf shift 8)
               (if end
                   (setf start (1+ end))
                   (return n)))))

  (defun prefix-mask (bits)
    "The mask of a prefix, as it stands in the packet."
    (let ((mask (logand #xffffffff (ash #xffffffff (- 32 bits)))))
      (logior (ash (ldb (byte 8 24) mask) 0)
              (ash (ldb (byte 8 16) mask) 8)
              (ash (ldb (byte 8 8) mask) 16)
              (ash (ldb (byte 8 0) mask) 24))))

  (defun split-prefix (text)
    (let ((slash (position #\/ text)))
      (if slash
          (values (parse-address (subseq text 0 slash))
                  (parse-integer text :start (1+ slash)))
          (values (parse-address text) 32)))))

(defmacro define-rules (chain &rest rules)
  "Remember RULES, each (action &key from to port proto)."
  (setf (gethash chain *rules*)
        (loop for rule in rules
              collect (cons *rule-count* rule)
              do (incf *rule-count*)))
  nil)

(defun rule-tests (rule)
  "The forms that must all be true for RULE."
  (destructuring-bind (&key from to port proto) (cddr rule)
    (append
     (when proto
       `((= proto ,(ecase proto (:tcp 6) (:udp 17) (:icmp 1)))))
     (when from
       (multiple-value-bind (addr bits) (split-prefix from)
         `((= (logand src ,(prefix-mask bits)) ,addr))))
     (when to
       (multiple-value-bind (addr bits) (split-prefix to)
         `((= (logand dst ,(prefix-mask bits)) ,addr))))
     (when port
       (if (consp port)
           `((and (>= dport ,(first port)) (<= dport ,(second port))))
           `((= dport ,port)))))))

(defmap rule-hits :type :array
  :key-size 4 :value-size 8 :max-entries 32)

(define-rules lan
  (:accept :proto :icmp)
  (:drop   :from "10.66.0.0/16")
  (:accept :proto :tcp :port (8000 8999))
  (:drop   :proto :tcp :to "192.168.1.1" :port 23)
  (:accept :from "10.0.0.0/8"))

(define-rules wan
  (:accept :proto :udp :port 51820)
  (:drop))

(defmacro define-chain (name default)
  "Make the program of a chain."
  `(defprog ,name (:type :xdp :section "xdp" :license "GPL")
     (with-packet (data data-end :min-len 38)
       (when (/= (eth-type data) +ethertype-ipv4+)
         (return XDP_PASS))
       (let* ((ip    (+ data +eth-hdr-len+))
              (proto (ipv4-protocol ip))
              (src   (ipv4-src-addr ip))
              (dst   (ipv4-dst-addr ip))
              (dport (ntohs (load u16 ip 22))))
         (declare (type u32 src dst)
                  (type u16 dport))
         (cond
           ,@(loop for rule in (gethash name *rules*)
                   collect `((and 1 ,@(rule-tests rule))
                             (incf (getmap rule-hits ,(first rule)))
                             (return ,(if (eq (second rule) :accept) 'XDP_PASS 'XDP_DROP)))))))
     ,default))

(define-chain lan XDP_DROP)
(define-chain wan XDP_ABORTED)
