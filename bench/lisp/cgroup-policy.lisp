;;; What a cgroup may send: a table of destinations, exact or for any port.

(defenum outcome denied allowed)

(defstruct dest
  (addr u32)
  (port u16)      ; host order; 0 is any
  (proto u8)
  (pad u8))

(defstruct verdict
  (allow u32)
  (pad u32)
  (bytes u64))

(defmap policy :type :hash :key dest :value verdict :max-entries 1024)
(defmap packets :type :array :key u32 :value u64 :max-entries 2)

(defmacro finish (outcome)
  `(let ((outcome ,outcome))
     (incf (getmap packets outcome))
     (return outcome)))

(defprog cgroup-policy (:type :cgroup-skb :section "cgroup_skb/egress" :license "GPL")
  (with-ipv4 (data data-end ip)
    (let* ((proto (ipv4-protocol ip))
           (key (make-dest :addr (ipv4-dst-addr ip) :proto proto)))
      (when (and (or (= proto IPPROTO_TCP) (= proto IPPROTO_UDP))
                 (= (ipv4-ver-ihl ip) #x45))
        (let ((l4 (+ ip +ipv4-hdr-len+)))
          (when (> (+ l4 +udp-hdr-len+) data-end) (finish denied))
          (setf (dest-port key) (udp-dst-port l4))))
      (let ((v (getmap policy key)))
        (when (and (not v) (dest-port key))
          (setf (dest-port key) 0)
          (setf v (getmap policy key)))
        (unless v (finish denied))
        (atomic-add v (offsetof verdict bytes) (ctx len))
        (finish (if (verdict-allow v) allowed denied)))))
  1)
