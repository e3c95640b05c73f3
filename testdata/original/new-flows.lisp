;;; new-flows.lisp — Reports new TCP connections through a ring buffer.
;;;
;;; The first program reserves, fills and submits by hand; the second does the
;;; same with with-ringbuf and leaves early for addresses of this host.
;;;
;;; Read with:
;;;   bpftool map event_pipe name events
;;;
;;; exception: section 15, "with-ringbuf discards on early return": the call of
;;; ringbuf-discard before the early return is not needed any more.

(in-package #:whistler)

(defstruct flow-event
  (src-addr u32)
  (dst-addr u32)
  (src-port u16)
  (dst-port u16)
  (seq      u32)
  (kind     u8)
  (pad      (array u8 3)))   ; 20 bytes

(defmap events :type :ringbuf
  :max-entries (* 4 1024))

(defmap flow-stats :type :array
  :key-size 4 :value-size 8 :max-entries 3)

(defconstant +sent+  0)
(defconstant +full+  1)
(defconstant +local+ 2)

(defconstant +kind-syn+ 1)
(defconstant +kind-fin+ 2)

(defprog flow-opened (:type :xdp :section "xdp" :license "GPL")
  (let ((data     (xdp-data))
        (data-end (xdp-data-end)))
    (when (> (+ data 54) data-end)
      (return XDP_PASS))
    (when (/= (eth-type data) +ethertype-ipv4+)
      (return XDP_PASS))
    (let ((ip    (+ data +eth-hdr-len+))
          (proto (ipv4-protocol (+ data +eth-hdr-len+))))
      (when (/= proto +ip-proto-tcp+)
        (return XDP_PASS))
      (let* ((tcp   (+ ip +ipv4-hdr-len+))
             (flags (tcp-flags tcp)))
        (when (and (logand flags +tcp-syn+)
                   (not (logand flags +tcp-ack+)))
          (let ((event (ringbuf-reserve events (sizeof flow-event) 0)))
            (if event
                (progn
                  (memset event 0 0 20)
                  (setf (flow-event-src-addr event) (ipv4-src-addr ip))
                  (setf (flow-event-dst-addr event) (ipv4-dst-addr ip))
                  (setf (flow-event-src-port event) (tcp-src-port tcp))
                  (setf (flow-event-dst-port event) (tcp-dst-port tcp))
                  (setf (flow-event-seq event) (tcp-seq tcp))
                  (setf (flow-event-kind event) +kind-syn+)
                  ;; A port of 0 is nobody's business.
                  (if (= (tcp-dst-port tcp) 0)
                      (ringbuf-discard event 0)
                      (ringbuf-submit event 0))
                  (incf (getmap flow-stats +sent+)))
                (incf (getmap flow-stats +full+))))))))
  XDP_PASS)

(defprog flow-closed (:type :xdp :section "xdp" :license "GPL")
  (with-tcp (data data-end tcp)
    (let ((ip (+ data +eth-hdr-len+)))
      (unless (logand (tcp-flags tcp) +tcp-fin+)
        (return XDP_PASS))
      (with-ringbuf (event events (sizeof flow-event))
        (memset event 0 0 (sizeof flow-event))
        (setf (flow-event-src-addr event) (ipv4-src-addr ip)
              (flow-event-dst-addr event) (ipv4-dst-addr ip))
        (when (= (logand (flow-event-src-addr event) #xff) 127)
          (incf (getmap flow-stats +local+))
          (return XDP_PASS))
        (setf (flow-event-src-port event) (tcp-src-port tcp)
              (flow-event-dst-port event) (tcp-dst-port tcp)
              (flow-event-seq event)      (tcp-seq tcp)
              (flow-event-kind event)     +kind-fin+)
        (incf (getmap flow-stats +sent+)))))
  XDP_PASS)
