;;; A datagram socket gets the first 12 bytes: its header and 4 of the text.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:section "socket")
  (incf (getmap seen 0))
  12)
