;;; policy-dsl.lisp — Port policies from a table.
;;;
;;; (define-policy name ...) declares a program, its counters and the constants
;;; for them.  The rules are read when compiling: each gives ports, a protocol
;;; and what to do.  Ranges become two comparisons.

(in-package #:whistler)

(eval-when (:compile-toplevel :load-toplevel :execute)
  (defun symbol-of (&rest parts)
    (intern (format nil "~{~a~}" parts)))

  (defun port-test (port spec)
    (cond ((integerp spec) `(= ,port ,spec))
          ((eq (first spec) :range)
           (destructuring-bind (from to) (rest spec)
             (assert (<= from to))
             `(and (>= ,port ,from) (<= ,port ,to))))
          (t `(or ,@(mapcar (lambda (s) (port-test port s)) spec)))))

  (defun verdict-of (action)
    (ecase action
      (:drop 'XDP_DROP)
      (:pass 'XDP_PASS)
      (:bounce 'XDP_TX)))

  (defun rule-clause (map index port rule)
    (destructuring-bind (ports action &key count-as) rule
      `(,(port-test port ports)
        (incf (getmap ,map ,index) ,(or count-as 1))
        (return ,(verdict-of action))))))

(defmacro define-policy (name (&key (header :tcp) (default :pass)) &body rules)
  (let ((map (symbol-of name '-hits))
        (with (symbol-of 'with- header))
        (getter (symbol-of header '-dst-port))
        (n (length rules)))
    `(progn
       (defconstant ,(symbol-of '+ name '-rules+) ,n)
       (defmap ,map :type :array :key-size 4 :value-size 8 :max-entries ,(1+ n))
       (defprog ,name (:type :xdp :section "xdp" :license "GPL")
         (,with (data data-end hdr)
           (let ((port (,getter hdr)))
             (declare (type u16 port))
             (cond
               ,@(loop for rule in rules
                       for i from 0
                       collect (rule-clause map i 'port rule))
               (t (incf (getmap ,map ,n))))))
         ,(verdict-of default)))))

(define-policy edge-tcp ()
  ((22 23)                       :drop)
  ((80 443 (:range 8000 8080))   :pass)
  ((:range 6000 6063)            :drop :count-as 10)
  (7                             :bounce))

(define-policy edge-udp (:header :udp :default :drop)
  (53           :pass)
  ((123 (:range 33434 33523)) :pass))

;; The number of rules, for whoever reads the maps
(defmap rule-counts :type :array :key-size 4 :value-size 4 :max-entries 2)

(defprog note-rules (:type :xdp :section "xdp" :license "GPL")
  (setf (getmap rule-counts 0) +edge-tcp-rules+
        (getmap rule-counts 1) +edge-udp-rules+)
  XDP_PASS)
