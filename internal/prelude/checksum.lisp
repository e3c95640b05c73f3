;;; Internet checksums: sums of 16-bit words with the carry added back (RFC
;;; 1071), and their change when a word changes (RFC 1624). Words are taken
;;; as they stand in the packet; the sum does not care about byte order as
;;; long as all have the same.

(defmacro csum-fold (sum)
  "The checksum for a sum of words: the 64-bit sum folded to 16 bits, and its complement. Words of 16 and 32 bits, loaded as they stand in the packet, can be added with +; (cast u32 (csum-diff ...)) is such a sum."
  (let ((a (gensym "SUM")))
    `(%once ((,a ,sum))
       (%csum-fold-34 (+ (>> ,a 32) (logand ,a #xffffffff))))))

(defmacro %csum-fold-34 (sum)
  "csum-fold of a sum of up to 34 bits: twice 16 bits are folded, and the last carry."
  (let ((b (gensym "SUM")) (c (gensym "SUM")) (d (gensym "SUM")))
    `(%once ((,b ,sum))
       (%once ((,c (+ (>> ,b 16) (logand ,b #xffff))))
         (%once ((,d (+ (>> ,c 16) (logand ,c #xffff))))
           (cast u16 (logxor (+ (>> ,d 16) ,d) #xffff)))))))

(defmacro csum-replace (checksum old new &key udp)
  "The checksum after a word of 16, 32 or 64 bits changed from old to new (RFC 1624): (setf (ipv4-checksum ip) (csum-replace (ipv4-checksum ip) old new)). Words are as they stand in the packet: addresses and (load u16 p n) are, ports need htons. A single byte is replaced through the word at an even offset that has it. :udp t keeps a UDP checksum of 0, which means none, and gives #xffff for 0."
  (let ((c (gensym "CHECKSUM")) (o (gensym "OLD")) (n (gensym "NEW")) (r (gensym "RESULT")))
    ;; Words of 16 and 32 bits, where the compiler sees that they are, need no
    ;; more than the first way.
    (let ((result `(if (= (>> (logior ,o ,n) 32) 0)
                       (%csum-fold-34 (+ (logxor ,c #xffff) (logxor ,o #xffffffff) ,n))
                       (csum-fold (+ (logxor ,c #xffff)
                                     (>> (lognot ,o) 32) (logand (lognot ,o) #xffffffff)
                                     (>> ,n 32) (logand ,n #xffffffff))))))
      `(%once ((,c (cast u16 ,checksum)) (,o ,old) (,n ,new))
         ,(if udp
              `(if (= ,c 0) 0 (%once ((,r ,result)) (if (= ,r 0) #xffff ,r)))
              result)))))
