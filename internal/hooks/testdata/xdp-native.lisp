;;; Cuts the head of each frame off and notes its length.
(defmap seen :type :array :key u32 :value u64 :max-entries 4)

(defprog see (:type :xdp)
  (let ((data (ctx data)) (end (ctx data-end)))
    (setf (getmap seen 1) (- end data)))
  (incf (getmap seen 0))
  (if (= (xdp-adjust-head (ctx-ptr) 14) 0) XDP_DROP XDP_ABORTED))
