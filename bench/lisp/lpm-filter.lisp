;;; Drops packets from denied networks, IPv4 and IPv6: longest-prefix match.

(defstruct prefix4
  (bits u32)
  (addr u32))

(defstruct prefix6
  (bits u32)
  (addr (array u8 16)))

(defmap nets4 :type :lpm-trie :key prefix4 :value u32 :max-entries 1024 :map-flags BPF_F_NO_PREALLOC)
(defmap nets6 :type :lpm-trie :key prefix6 :value u32 :max-entries 1024 :map-flags BPF_F_NO_PREALLOC)
(defmap verdicts :type :percpu-array :key u32 :value u64 :max-entries 2)

;; Rules hold 1 for a denied network and 0 for an exception within one.
(defmacro judge (rule)
  `(let ((denied (/= ,rule 0)))
     (incf (getmap verdicts denied))
     (return (if denied XDP_DROP XDP_PASS))))

(defprog lpm-filter (:type :xdp :license "GPL")
  (with-packet (data data-end)
    (when-let ((ip (parse-ipv4 data data-end)))
      (judge (getmap nets4 (make-prefix4 :bits 32 :addr (ipv4-src-addr ip)))))
    (when-let ((ip (parse-ipv6 data data-end)))
      (let ((key (make-prefix6 :bits 128)))
        (memcpy key (offsetof prefix6 addr) ip 8 16)
        (judge (getmap nets6 key)))))
  XDP_PASS)
