;;; video-tag.lisp — Puts UDP video into its own class.
;;;
;;; RTP packets get a class and a queue in the skb, and state for the next
;;; program in the control block.  Frames per stream (SSRC) are counted in an
;;; LRU map per CPU.  The second program reads what the first one left.

(in-package #:whistler)

(defheader rtp
  (flags :offset 0 :type u8)
  (kind  :offset 1 :type u8)
  (seq   :offset 2 :type u16 :net-order t)
  (stamp :offset 4 :type u32 :net-order t)
  (ssrc  :offset 8 :type u32 :net-order t))

(defconstant +rtp-hdr-len+ 12)
(defconstant +rtp-version+ 2)
(defconstant +marker-bit+ #x80)
(defconstant +class-video+ #x10020)

(defmap streams :type :lru-percpu-hash
  :key-size 4 :value-size 8 :max-entries 256)

(defmap tag-stats :type :percpu-array
  :key-size 4 :value-size 8 :max-entries 3)

(defmacro video-port-p (port)
  `(and (>= ,port 5004) (<= ,port 5020) (evenp ,port)))

(defprog video-tag (:type :tc :section "tc" :license "GPL")
  (with-tc-udp (data data-end udp)
    (let ((rtp  (+ udp +udp-hdr-len+))
          (port (udp-dst-port udp)))
      (declare (type u64 rtp)
               (type u16 port))
      (unless (video-port-p port)
        (return TC_ACT_OK))
      (when (> (+ rtp +rtp-hdr-len+) data-end)
        (incf (getmap tag-stats 0))
        (return TC_ACT_SHOT))
      (when (/= (>> (rtp-flags rtp) 6) +rtp-version+)
        (incf (getmap tag-stats 1))
        (return TC_ACT_OK))
      (setf (ctx tc-classid) +class-video+
            (ctx priority)   5
            (ctx cb 0)       (rtp-ssrc rtp)
            (ctx cb 1)       (rtp-seq rtp))
      ;; The marker ends a frame
      (when (logand (rtp-kind rtp) +marker-bit+)
        (incf (getmap streams (rtp-ssrc rtp))))
      (incf (getmap tag-stats 2) (+ (ctx cb 1) (ctx tc-classid)))
      (return TC_ACT_PIPE)))
  TC_ACT_OK)

(defprog video-check (:type :tc :section "tc" :license "GPL")
  ;; cb stands at offset 48 of struct __sk_buff
  (let ((ssrc (ctx-load u32 48)))
    (if (= ssrc 0)
        TC_ACT_UNSPEC
        (if (getmap streams ssrc) TC_ACT_OK TC_ACT_RECLASSIFY))))
