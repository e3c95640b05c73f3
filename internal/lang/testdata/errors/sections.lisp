(defprog c4 (:section "cgroup/connect4")
  (setf (ctx user-ip6 0) 1) ; ERROR 14: "may not write the context field `user-ip6`"
  (ctx msg-src-ip4) ; ERROR 8: "may not read the context field `msg-src-ip4`"
  1)
(defprog b4 (:section "cgroup/post_bind4")
  (setf (ctx mark) 1) ; ERROR 14: "may not write the context field `mark`"
  (ctx src-ip6 0) ; ERROR 8: "may not read"
  1)
(defprog x (:section "xdp")
  (ctx egress-ifindex) ; ERROR 8: "a program of the section \"xdp\" may not read"
  XDP_PASS)
(defprog go (:section "cgroup/getsockopt")
  (setf (ctx level) 1) ; ERROR 14: "may not write"
  1)
(defprog so (:section "sockops")
  (setf (ctx replylong 3) 1) ; ERROR 24: "only element 0"
  1)
(defprog u (:section "uprobe")
  (usdt-arg 0) ; ERROR 3: "only a program at a static probe"
  0)
(defprog s (:section "usdt/a:b:c")
  (usdt-arg 12) ; ERROR 13: "the number of an argument is a constant"
  (usdt-arg (usdt-arg 0)) ; ERROR 13: "the number of an argument is a constant"
  0)
(defprog k (:type :kprobe :sleepable t) 0) ; ERROR 38: "a kprobe program cannot sleep"
(defprog l (:section "uprobe/x:y" :sleepable t) 0) ; ERROR 46: "the section \"uprobe/x:y\" is for programs that do not sleep"
(defprog a (:type :tc :attach "sideways") 0) ; ERROR 31: "a tc program cannot be attached to \"sideways\""
(defprog b (:section "tc/ingress" :attach "egress") 0) ; ERROR 43: ":section says where"
(defprog e (:type :uprobe :attach 5) 0) ; ERROR 35: ":attach must be a string"
(defprog f (:section "uprobe/x:y")
  (copy-from-user (struct-alloc 8) 8 0) ; ERROR 4: "may sleep"
  0)
(defprog v (:type :xdp :cpu 5) 2) ; ERROR 29: "unknown BPF cpu version 5"
(defprog w (:type :xdp :cpu fast) 2) ; ERROR 29: "unknown BPF cpu version"
(defprog raw (:type :xdp)
  (ctx u32 20) ; ERROR 8: "may not read the context field `egress-ifindex`"
  2)
(defprog raw2 (:type :tc)
  (ctx u32 144) ; ERROR 8: "may not read the context field `flow-keys`"
  0)
