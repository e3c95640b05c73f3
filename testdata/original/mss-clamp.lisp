;;; mss-clamp.lisp — Lowers the MSS of SYNs that leave through a tunnel.
;;;
;;; Walks the TCP options of IPv4 SYNs byte by byte, with a bound that the
;;; verifier can see, and rewrites a maximum segment size that is too large.
;;; The checksum follows.

(in-package #:whistler)

(defconstant +max-mss+ 1360)
(defconstant +opt-end+ 0)
(defconstant +opt-nop+ 1)
(defconstant +opt-mss+ 2)
(defconstant +max-options+ 10)
(defconstant +max-opt-bytes+ 40)

(defmap clamp-stats :type :array
  :key-size 4 :value-size 8 :max-entries 3)

(defmacro count-clamp (which) `(incf (getmap clamp-stats ,which)))

(defmacro csum-16 (csum old new)
  "The checksum after a 16-bit word went from OLD to NEW."
  `(let ((sum (+ (logxor ,csum #xffff) (logxor ,old #xffff) ,new)))
     (setf sum (+ (logand sum #xffff) (>> sum 16)))
     (setf sum (+ (logand sum #xffff) (>> sum 16)))
     (logand (logxor sum #xffff) #xffff)))

(defprog mss-clamp (:type :tc :section "tc" :license "GPL")
  (with-tc-tcp (data data-end tcp)
    (unless (logand (tcp-flags tcp) +tcp-syn+)
      (return TC_ACT_OK))
    (count-clamp 0)
    (let* ((hdr-len (* (>> (tcp-data-off tcp) 4) 4))
           (left    (- hdr-len 20))
           (off     20)
           (done    0))
      (declare (type u64 hdr-len left off))
      (when (or (< hdr-len 20) (> left +max-opt-bytes+))
        (return TC_ACT_SHOT))
      (dotimes (i +max-options+)
        (when (and (= done 0) (> left 0) (<= off 59))
          (let* ((opt (+ tcp off)))
            (declare (type u64 opt))
            (when (> (+ opt 1) data-end)
              (return TC_ACT_SHOT))
            (let ((kind (load u8 opt 0)))
              (cond
                ((= kind +opt-end+) (setf done 1))
                ((= kind +opt-nop+)
                 (incf off)
                 (decf left))
                (t
                 (when (> (+ opt 2) data-end)
                   (return TC_ACT_SHOT))
                 (let ((len (load u8 opt 1)))
                   (when (or (< len 2) (> len left))
                     (return TC_ACT_SHOT))
                   (when (and (= kind +opt-mss+) (= len 4))
                     (when (> (+ opt 4) data-end)
                       (return TC_ACT_SHOT))
                     (let ((mss (load u16 opt 2)))
                       (when (> (ntohs mss) +max-mss+)
                         ;; An option at an odd offset would need its bytes
                         ;; swapped in the sum; nobody sends one.
                         (when (= (logand off 1) 1)
                           (return TC_ACT_OK))
                         (store u16 opt 2 (htons +max-mss+))
                         (store u16 tcp 16
                                (csum-16 (load u16 tcp 16) mss (htons +max-mss+)))
                         (count-clamp 1)))
                     (setf done 1))
                   (setf off (+ off len)
                         left (- left len)))))))))
        (when (= done 0)
          (count-clamp 2))))
  TC_ACT_OK)
