;;; A list of rules, the first that matches decides.

(defconstant +max-rules+ 32)

(defstruct rule
  (src u32)
  (src-mask u32)
  (dst u32)
  (dst-mask u32)
  (port-min u16)  ; host order
  (port-max u16)
  (proto u8)      ; 0 is any
  (used u8)
  (action u8)     ; the verdict
  (pad u8)
  (hits u64))

(defmap rules :type :array :key u32 :value rule :max-entries +max-rules+)

(defprog acl-rules (:type :xdp :license "GPL")
  (with-ipv4 (data data-end ip)
    (unless (= (ipv4-ver-ihl ip) #x45) (return XDP_DROP))
    (let* ((src (ipv4-src-addr ip))
           (dst (ipv4-dst-addr ip))
           (proto (ipv4-protocol ip))
           (port (case proto
                   ((IPPROTO_TCP IPPROTO_UDP)
                    (let ((l4 (+ ip +ipv4-hdr-len+)))
                      (when (> (+ l4 +udp-hdr-len+) data-end) (return XDP_DROP))
                      (udp-dst-port l4)))
                   (t 0))))
      (dotimes (i +max-rules+)
        (let ((r (getmap rules i)))
          (unless (and r (rule-used r)) (break))
          (when (and (= (logand src (rule-src-mask r)) (rule-src r))
                     (= (logand dst (rule-dst-mask r)) (rule-dst r))
                     (or (= (rule-proto r) 0) (= (rule-proto r) proto))
                     (<= (rule-port-min r) port (rule-port-max r)))
            (atomic-add r (offsetof rule hits) 1)
            (return (rule-action r)))))
      (return XDP_DROP)))
  XDP_PASS)
