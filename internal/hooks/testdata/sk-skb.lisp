;;; Messages of a stream: a byte of length, then the text. Those that begin
;;; with "no" are dropped.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)
(defmap sockets :type :sockmap :key u32 :value u64 :max-entries 2)

(defprog parse (:section "sk_skb/stream_parser")
  (let ((n u8))
    (if (= (skb-load-bytes (ctx-ptr) 0 (stack-addr n) 1) 0)
        (+ n 1)
        (ctx len))))

(defprog judge (:section "sk_skb/stream_verdict")
  (let ((head (array u8 3)))
    (when (= (skb-load-bytes (ctx-ptr) 0 (stack-addr head) 3) 0)
      (incf (getmap seen 0))
      (when (and (= (aref head 1) #\n) (= (aref head 2) #\o))
        (incf (getmap seen 1))
        (return SK_DROP))))
  SK_PASS)
