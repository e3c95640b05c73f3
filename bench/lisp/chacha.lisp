;;; Encrypts the first 64 bytes of UDP datagrams to one port with ChaCha20.

(defconstant +words+ 16)
(defconstant +double-rounds+ 10)

(defstruct secret
  (key (array u32 8))
  (nonce (array u32 3))
  (blocks u32))

(defmap secrets :type :array :key u32 :value secret :max-entries 1)

(defmacro half-quarter (x a b c d n m)
  `(progn
     (incf (aref ,x ,a) (aref ,x ,b))
     (setf (aref ,x ,d) (rotl32 (logxor (aref ,x ,d) (aref ,x ,a)) ,n))
     (incf (aref ,x ,c) (aref ,x ,d))
     (setf (aref ,x ,b) (rotl32 (logxor (aref ,x ,b) (aref ,x ,c)) ,m))))

(defmacro quarter (x a b c d)
  `(progn
     (half-quarter ,x ,a ,b ,c ,d 16 12)
     (half-quarter ,x ,a ,b ,c ,d 8 7)))

(defprog chacha (:type :xdp :license "GPL")
  (with-udp (data data-end udp)
    (let ((payload (+ udp +udp-hdr-len+))
          (x (array u32 16)))
      (when (or (> (+ payload (* 4 +words+)) data-end)
                (/= (udp-dst-port udp) 7777))
        (return XDP_PASS))
      (let ((s (getmap secrets 0)))
        (unless s (return XDP_ABORTED))
        (let ((block (atomic-fetch-add s (offsetof secret blocks) 1 u32)))
          (setf (aref x 0) #x61707865
                (aref x 1) #x3320646e
                (aref x 2) #x79622d32
                (aref x 3) #x6b206574)
          (dotimes (i 8) (setf (aref x (+ 4 i)) (secret-key s i)))
          (setf (aref x 12) block)
          (dotimes (i 3) (setf (aref x (+ 13 i)) (secret-nonce s i)))

          (dotimes (i +double-rounds+)
            (quarter x 0 4 8 12)
            (quarter x 1 5 9 13)
            (quarter x 2 6 10 14)
            (quarter x 3 7 11 15)
            (quarter x 0 5 10 15)
            (quarter x 1 6 11 12)
            (quarter x 2 7 8 13)
            (quarter x 3 4 9 14))

          (incf (aref x 0) #x61707865)
          (incf (aref x 1) #x3320646e)
          (incf (aref x 2) #x79622d32)
          (incf (aref x 3) #x6b206574)
          (dotimes (i 8) (incf (aref x (+ 4 i)) (secret-key s i)))
          (incf (aref x 12) block)
          (dotimes (i 3) (incf (aref x (+ 13 i)) (secret-nonce s i)))

          (dotimes (i +words+)
            (store u32 payload (* 4 i) (logxor (load u32 payload (* 4 i)) (aref x i))))
          (setf (udp-checksum udp) 0)))))
  XDP_PASS)
