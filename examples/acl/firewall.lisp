;;; A firewall of 200 rules, compiled to a decision tree.
;;;
;;;   whistler run examples/acl/firewall.lisp --iface eth0
;;;
;;; `rules.lisp` has the rules, `acl.lisp` the language that they are written
;;; in. `rule-hits` counts the packets of each rule, 0 being the default.

(include "acl.lisp")
(include "rules.lisp")

(defmap rule-hits :type :percpu-array :key u32 :value u64 :max-entries 256)

(defprog firewall (:type :xdp :license "GPL")
  (with-acl (answer edge)
    (incf (getmap rule-hits (acl-rule-of answer)))
    (if (acl-allows-p answer) XDP_PASS XDP_DROP)))
