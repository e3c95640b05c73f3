;;; tc-meter.lisp — A TC classifier that meters and marks.
;;;
;;; Counts bytes by direction of the flow's ports, marks interactive traffic,
;;; and shoots what goes to a blocked port.  The second program marks by DSCP
;;; with the older ctx-store.
;;;
;;;   tc qdisc add dev eth0 clsact
;;;   tc filter add dev eth0 egress bpf da obj tc-meter.bpf.o sec tc

(in-package #:whistler)

(defmap bytes-by-port :type :hash
  :key-size 2 :value-size 8 :max-entries 1024)

(defmap tc-counters :type :percpu-array
  :key-size 4 :value-size 8 :max-entries 4)

(defconstant +blocked-port+ 4444)
(defconstant +mark-interactive+ 10)
(defconstant +dscp-ef+ 46)

(defprog tc-meter (:type :tc :section "tc" :license "GPL")
  (incf (getmap tc-counters 0))
  (with-tc-tcp (data data-end tcp)
    (let ((dport (tcp-dst-port tcp))
          (len   (ctx len)))
      (declare (type u16 dport))
      (when (= dport +blocked-port+)
        (incf (getmap tc-counters 1))
        (return TC_ACT_SHOT))
      (incf (getmap bytes-by-port dport) len)
      (when (or (= dport 22) (= dport 3389))
        (setf (ctx mark) +mark-interactive+
              (ctx priority) 6)
        (incf (getmap tc-counters 2) (+ (ctx mark) (ctx priority))))))
  TC_ACT_OK)

(defprog tc-dscp (:type :tc :section "tc" :license "GPL")
  (let ((data     (ctx-load u32 76))
        (data-end (ctx-load u32 80)))
    (declare (type u64 data data-end))
    (if (> (+ data 34) data-end)
        (return TC_ACT_OK)
        (when (= (load u16 data 12) (htons #x0800))
          (let ((dscp (>> (load u8 data 15) 2)))
            (ctx-store u32 8 dscp)
            (when (= dscp +dscp-ef+)
              (incf (getmap tc-counters 3) (ctx-load u32 8))
              (return TC_ACT_STOLEN))))))
  TC_ACT_OK)
