;;; rate-window.lisp — A token bucket per source network.
;;;
;;; Each /24 gets a bucket of packets that fills up again with time.  The
;;; bucket's state is a struct in an LRU map: when it was last filled, and how
;;; many tokens it has.

(in-package #:whistler-user)

(defconstant +bucket-size+ 4)
(defconstant +refill-ns+ (* 3600 1000 1000 1000))   ; a token an hour

(defstruct bucket
  (filled u64)
  (tokens u32)
  (drops  u32))

(defmap buckets :type :lru-hash
  :key-size 4 :value-type bucket :max-entries 16384)

;; network -> packets let through
(defmap passed :type :hash
  :key-size 4 :value-size 4 :max-entries 16384)

(defmap dropped :type :percpu-hash
  :key-size 4 :value-size 4 :max-entries 16384)

(defmacro network-of (addr)
  "The /24 of an address as it stands in the packet."
  `(logand ,addr (htonl #xffffff00)))

(defmacro new-bucket (now)
  (let ((b (gensym "B")))
    `(let ((,b (make-bucket)))
       (setf (bucket-filled ,b) ,now
             (bucket-tokens ,b) (- +bucket-size+ 1))
       ,b)))

(defprog rate-window (:type :xdp :section "xdp" :license "GPL")
  (when-let ((ip (parse-ipv4 (xdp-data) (xdp-data-end))))
    (let ((net (network-of (ipv4-src-addr ip)))
          (now (ktime-get-ns)))
      (declare (type u32 net))
      (let ((b (getmap buckets net)))
        (if b
            (let* ((elapsed (- now (bucket-filled b)))
                   (earned  (/ elapsed +refill-ns+))
                   (tokens  (+ (bucket-tokens b) earned)))
              (when (> tokens +bucket-size+)
                (setf tokens +bucket-size+))
              (when (> earned 0)
                (setf (bucket-filled b) now))
              (when (= tokens 0)
                (incf (bucket-drops b))
                (incf-map dropped net)
                (return XDP_DROP))
              (decf tokens)
              (setf (bucket-tokens b) tokens))
            (setf (getmap buckets net) (new-bucket now))))
      (incf-map passed net 1)
      ;; A network that goes on behaving is forgotten.
      (when (>= (getmap passed net) 100)
        (delmap passed net)
        (delmap buckets net))))
  XDP_PASS)
