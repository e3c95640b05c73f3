;;; dns-guard.lisp — Drops what a resolver behind this host should never see.
;;;
;;; Answers from port 53 that are larger than a limit are dropped and counted
;;; as amplification; queries have the labels of their name walked, and names
;;; with too many or malformed labels are dropped.  Everything else passes.
;;;
;;; Load with:
;;;   ip link set dev eth0 xdp obj dns-guard.bpf.o sec xdp

(in-package #:whistler)

;;; ---- Constants ----

(defconstant +dns-port+       53)
(defconstant +dns-hdr-len+    12)
(defconstant +max-answer+    512)
(defconstant +max-labels+      6)

(defconstant +stat-queries+    0)
(defconstant +stat-answers+    1)
(defconstant +stat-too-large+  2)
(defconstant +stat-bad-name+   3)

;;; ---- The header, as RFC 1035 draws it ----

(defheader dns
  (id      :offset 0 :type u16 :net-order t)
  (flags   :offset 2 :type u16 :net-order t)
  (qdcount :offset 4 :type u16 :net-order t)
  (ancount :offset 6 :type u16 :net-order t))

;;; ---- Maps ----

(defmap dns-stats :type :array
  :key-size 4 :value-size 8 :max-entries 4)

;; Number of labels -> queries
(defmap label-counts :type :hash
  :key-size 4 :value-size 8 :max-entries 64)

;;; ---- Macros ----

(defmacro count-dns (which)
  `(incf (getmap dns-stats ,which)))

(defmacro drop-as (which)
  "Count under WHICH and leave the program with XDP_DROP."
  `(progn (count-dns ,which)
          (return XDP_DROP)))

;;; ---- Program ----

(defprog dns-guard (:type :xdp :section "xdp" :license "GPL")
  (with-udp (data data-end udp)
    (let ((dns (+ udp +udp-hdr-len+)))
      (declare (type u64 dns))

      ;; Answers: the length alone decides.
      (when (= (udp-src-port udp) +dns-port+)
        (when (> (udp-length udp) +max-answer+)
          (drop-as +stat-too-large+))
        (count-dns +stat-answers+)
        (return XDP_PASS))

      ;; Queries for exactly one name.
      (when (/= (udp-dst-port udp) +dns-port+)
        (return XDP_PASS))
      (when (> (+ dns +dns-hdr-len+) data-end)
        (drop-as +stat-bad-name+))
      (when (or (/= (dns-qdcount dns) 1)
                (/= (dns-ancount dns) 0)
                (logand (dns-flags dns) #x8000))
        (drop-as +stat-bad-name+))

      ;; Each label is a length byte and that many characters.
      (let ((p (+ dns +dns-hdr-len+))
            (labels-seen 0)
            (done 0))
        (declare (type u64 p))
        (dotimes (i +max-labels+)
          (when (= done 0)
            (when (> (+ p 1) data-end)
              (drop-as +stat-bad-name+))
            (let ((len (load u8 p 0)))
              (when (> len 63)
                (drop-as +stat-bad-name+))
              (if (= len 0)
                  (setf done 1)
                  (progn
                    (incf labels-seen)
                    (setf p (+ p (+ len 1))))))))
        (when (= done 0)
          (drop-as +stat-bad-name+))
        (count-dns +stat-queries+)
        (incf (getmap label-counts labels-seen)))))
  XDP_PASS)
