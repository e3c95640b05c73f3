;;; The first argument is a request as it goes over the wire (struct
;;; nbd_request): the last two bytes of its type stand at offset 6.
(defmap seen :type :array :key u32 :value u64 :max-entries 1)

(defprog see (:section "raw_tp.w/nbd_send_request")
  (incf (getmap seen 0))
  (let ((request (ctx u64 0)))
    (store u16 request 6 (htons 3)))
  0)
