;;; Drops packets that were seen before, by a Bloom filter over the packet's
;;; identity.

(defstruct identity
  (src u32)
  (dst u32)
  (id u16)        ; network order, as the next
  (frag-off u16)
  (proto u8)
  (pad (array u8 3)))

(defmap seen :type :bloom-filter :value identity :max-entries 65536 :map-extra 4)
(defmap counts :type :percpu-array :key u32 :value u64 :max-entries 2)

(defprog dedupe (:type :xdp :license "GPL")
  (with-ipv4 (data data-end ip)
    (let ((key (make-identity :src (ipv4-src-addr ip)
                              :dst (ipv4-dst-addr ip)
                              :id (htons (ipv4-id ip))
                              :frag-off (htons (ipv4-frag-off ip))
                              :proto (ipv4-protocol ip))))
      (when (= (map-peek-elem seen key) 0)
        (incf (getmap counts 1))
        (return XDP_DROP))
      (map-push seen key)
      (incf (getmap counts 0))))
  XDP_PASS)
