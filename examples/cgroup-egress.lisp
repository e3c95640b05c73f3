;;; Bytes that the processes of a cgroup send, by IP protocol.
;;;
;;;   whistler run examples/cgroup-egress.lisp --cgroup /sys/fs/cgroup/my.slice
;;;
;;; The packet of a cgroup program starts at the IP header.

(defmap sent-bytes :type :hash :key u8 :value u64 :max-entries 256)

(defprog count-egress (:type :cgroup-skb :section "cgroup_skb/egress" :license "GPL")
  (with-ipv4 (data data-end ip)
    (incf (getmap sent-bytes (ipv4-protocol ip)) (ctx len)))
  1)
