; The kernel here is testdata/kernel/kernel.c.
(import-kernel-struct tcp-sock snd-cwnd srtt-us sk.sk-rcvbuf)
(import-kernel-struct sock sk-rcvbuf)
(defprog less (:type :struct-ops :args (sk))
  (setf (tcp-sock-snd-cwnd sk) 3)
  (setf (tcp-sock-srtt-us sk) 3) ; ERROR 10: "`tcp-sock-srtt-us` cannot be written here: the kernel does not let programs of `tcp-congestion-ops` do it"
  (setf (sock-sk-rcvbuf sk) 3) ; ERROR 10: "`sock-sk-rcvbuf` cannot be written here"
  (setf (tcp-sock-snd-cwnd sk 1) 3) ; ERROR "`tcp-sock-snd-cwnd` got 2 arguments"
  (arg acked) ; ERROR 8: "the member `ssthresh` of `tcp_congestion_ops` has no argument `acked`"
  (retval) ; ERROR "a struct-ops program runs before the function returns"
  (tcp-sock-snd-cwnd sk))
(defprog more (:type :struct-ops :args (sk ack acket)) ; ERROR 48: "the member `cong_avoid` of `tcp_congestion_ops` has no argument `acket`"
  0)
(defprog undo (:type :struct-ops :args (sk)) sk) ; ERROR 1: "the result of the program"
(defprog begin (:type :struct-ops :args (sk)) sk)
(defprog drop (:type :xdp) XDP_DROP)
(defprog alone (:type :struct-ops) (arg sk))
(defprog dummy (:type :struct-ops :args (cb)) (if cb (load u32 cb) 0))
(defprog sleepy (:type :struct-ops :sleepable t :args (arg0)) 0)
(defstruct-ops right tcp-congestion-ops "With a description." :name "right" :init #'begin :ssthresh less :cong-avoid more :undo-cwnd 'undo :flags #x3)
(defstruct-ops dummies bpf-dummy-ops :test-1 dummy :test-sleepable sleepy)
(defstruct-ops twice bpf-dummy-ops :test-1 dummy)
(defstruct-ops mixed bpf-dummy-ops :test-sleepable dummy) ; ERROR 52: "the program `dummy` is the member `test-1` already"
(defstruct-ops right tcp-congestion-ops :name "right" :ssthresh less :cong-avoid more :undo-cwnd undo) ; ERROR 16: "declared twice"
(defstruct-ops a) ; ERROR 1: "the struct of operations `a` has no type"
(defstruct-ops a tcp-congestion-opz) ; ERROR 18: "the kernel has no struct of operations `tcp-congestion-opz`"
(defstruct-ops a "tcp") ; ERROR 18: "the kernel has no struct of operations `\"tcp\"`"
(defstruct-ops a sock) ; ERROR 18: "the kernel has no struct of operations `sock`"
(defstruct-ops a tcp-congestion-ops :sstresh less) ; ERROR 37: "the struct `tcp-congestion-ops` has no member `sstresh`"
(defstruct-ops a tcp-congestion-ops name "x") ; ERROR 37: "name is not the name of a member"
(defstruct-ops a tcp-congestion-ops :name) ; ERROR 37: "no value follows `:name`"
(defstruct-ops a tcp-congestion-ops :name "a" :name "b") ; ERROR 47: "`:name` is given twice"
(defstruct-ops a tcp-congestion-ops :name "sixteen_and_more") ; ERROR 43: "the text has 16 bytes, and the member `name` holds 15 and a zero"
(defstruct-ops a tcp-congestion-ops :name "a b") ; ERROR 43: "\"a b\" is not a name that the kernel takes"
(defstruct-ops a tcp-congestion-ops :name 5) ; ERROR 43: "5 is no initial value"
(defstruct-ops a tcp-congestion-ops :name less) ; ERROR 43: "the member `name` .char.16.. is no function, and `less` is a program"
(defstruct-ops a tcp-congestion-ops :flags TCP_NOTHING) ; ERROR 44: "unknown flag `TCP_NOTHING`"
(defstruct-ops a tcp-congestion-ops :flags #x1ffffffff) ; ERROR 44: "does not fit into u32"
(defstruct-ops a tcp-congestion-ops :ssthresh 5) ; ERROR 47: "the member `ssthresh` is a function, and 5 is not the name of a program"
(defstruct-ops a tcp-congestion-ops :ssthresh "less") ; ERROR 47: "the member `ssthresh` is a function"
(defstruct-ops a tcp-congestion-ops :list 5) ; ERROR 43: "the member `list` .struct list_head. is not one that can be given"
(defstruct-ops a tcp-congestion-ops :key 5) ; ERROR 42: "the member `key` .u32. is not one that can be given"
(defstruct-ops a tcp-congestion-ops :get-info less) ; ERROR 47: "the kernel does not let a program be the member `get-info`"
(defstruct-ops a tcp-congestion-ops :name "a" :ssthresh less :undo-cwnd undo) ; ERROR 16: "`a` has no :cong-avoid or :cong-control"
(defstruct-ops b tcp-congestion-ops :ssthresh less :undo-cwnd undo :cong-avoid more) ; ERROR 16: "`b` has no :name"
(defstruct-ops c bpf-dummy-ops :test-1 lesss) ; ERROR 40: "unknown program `lesss`"
(defstruct-ops e bpf-dummy-ops :test-1 drop) ; ERROR 40: "the program `drop` is of type :xdp"
