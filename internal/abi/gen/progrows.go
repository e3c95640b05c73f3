//go:build linux

package main

// progRow is what no kernel source states about a program type: the word for
// it, and what the compiler and the loader make of it. Everything else
// in the package's table follows from the sections.
type progRow struct {
	keyword  string
	patterns string // sections of libbpf's table, the default first
	ctx      string // C name of the context struct
	pass     string // verdict constant that lets go on, or a number
	min, max string // verdicts that make sense; "" leaves it to the verifier
	kind     string // attach kind
	packet   string // where the packet starts: "eth", "ip", "transport", "payload"; "" if it depends
	doc      string
}

// progRows is the table to which a new program type is added. A section of
// libbpf's that is in no row, or in two, is an error of the generator.
var progRows = []progRow{
	{"xdp", "xdp xdp.frags xdp/devmap xdp.frags/devmap xdp/cpumap xdp.frags/cpumap", "xdp_md", "XDP_PASS", "XDP_ABORTED", "XDP_REDIRECT", "xdp", "eth",
		"Runs for each packet that a network device receives, before the kernel makes an skb of it."},
	{"tc", "tc classifier tc/ingress tc/egress tcx/ingress tcx/egress", "__sk_buff", "TC_ACT_OK", "TC_ACT_UNSPEC", "TC_ACT_TRAP", "tc", "eth",
		"Runs for each packet on a device's ingress or egress traffic control hook (sched_cls)."},
	{"sched-act", "action", "__sk_buff", "TC_ACT_OK", "TC_ACT_UNSPEC", "TC_ACT_TRAP", "tc-action", "eth",
		"A traffic control action."},
	{"netkit", "netkit/primary netkit/peer", "__sk_buff", "TCX_PASS", "TCX_NEXT", "TCX_REDIRECT", "netkit", "eth",
		"Runs for each packet that leaves a netkit device."},
	{"socket-filter", "socket", "__sk_buff", "0", "", "", "socket-filter", "eth",
		"Runs for each packet of a socket. The result is how many bytes of it to keep, 0 drops it."},
	{"sk-reuseport", "sk_reuseport sk_reuseport/migrate", "sk_reuseport_md", "SK_PASS", "SK_DROP", "SK_PASS", "reuseport", "transport",
		"Chooses the socket of an SO_REUSEPORT group that gets a packet or connection."},
	{"sk-skb", "sk_skb sk_skb/stream_parser sk_skb/stream_verdict sk_skb/verdict", "__sk_buff", "SK_PASS", "", "", "sockmap", "payload",
		"Runs for data received on a socket of a sockmap: finds message ends or gives a verdict."},
	{"sk-msg", "sk_msg", "sk_msg_md", "SK_PASS", "SK_DROP", "SK_PASS", "sockmap", "payload",
		"Runs for each sendmsg or sendfile on a socket of a sockmap."},
	{"sk-lookup", "sk_lookup", "bpf_sk_lookup", "SK_PASS", "SK_DROP", "SK_PASS", "sk-lookup", "",
		"Chooses the listening socket for a new connection or a datagram, in a network namespace."},
	{"sock-ops", "sockops", "bpf_sock_ops", "1", "", "", "cgroup", "",
		"Runs at events of TCP sockets in a cgroup."},
	{"flow-dissector", "flow_dissector", "__sk_buff", "BPF_OK", "", "", "flow-dissector", "",
		"Fills the flow keys of a packet in place of the kernel's own dissector."},
	{"netfilter", "netfilter", "bpf_nf_ctx", "NF_ACCEPT", "NF_DROP", "NF_ACCEPT", "netfilter", "",
		"Runs at a netfilter hook."},
	{"lwt-in", "lwt_in", "__sk_buff", "BPF_OK", "", "", "lwt", "ip",
		"Runs for each packet that a lightweight tunnel route receives."},
	{"lwt-out", "lwt_out", "__sk_buff", "BPF_OK", "", "", "lwt", "ip",
		"Runs for each local packet that leaves by a lightweight tunnel route."},
	{"lwt-xmit", "lwt_xmit", "__sk_buff", "BPF_OK", "", "", "lwt", "ip",
		"Runs just before a packet leaves by a lightweight tunnel route, and may change it."},
	{"lwt-seg6local", "lwt_seg6local", "__sk_buff", "BPF_OK", "", "", "lwt", "ip",
		"Runs as the End.BPF action of an IPv6 segment routing route."},
	{"lirc-mode2", "lirc_mode2", "", "0", "", "", "lirc", "",
		"Decodes infrared pulses; the context points to one u32."},

	{"cgroup-skb", "cgroup_skb/egress cgroup_skb/ingress cgroup/skb", "__sk_buff", "1", "", "", "cgroup", "ip",
		"Runs for each packet of the sockets in a cgroup. 1 lets it pass, 0 drops it."},
	{"cgroup-sock", "cgroup/sock cgroup/sock_create cgroup/sock_release cgroup/post_bind4 cgroup/post_bind6", "bpf_sock", "1", "", "", "cgroup", "",
		"Runs when a socket in a cgroup is made, released or bound. 0 refuses."},
	{"cgroup-sock-addr", "cgroup/connect4 cgroup/connect6 cgroup/connect_unix cgroup/bind4 cgroup/bind6 " +
		"cgroup/sendmsg4 cgroup/sendmsg6 cgroup/sendmsg_unix cgroup/recvmsg4 cgroup/recvmsg6 cgroup/recvmsg_unix " +
		"cgroup/getpeername4 cgroup/getpeername6 cgroup/getpeername_unix cgroup/getsockname4 cgroup/getsockname6 cgroup/getsockname_unix",
		"bpf_sock_addr", "1", "", "", "cgroup", "",
		"Runs at bind, connect, sendmsg, recvmsg, getpeername, getsockname in a cgroup and may change the address. 0 refuses."},
	{"cgroup-sysctl", "cgroup/sysctl", "bpf_sysctl", "1", "", "", "cgroup", "",
		"Runs when a process in a cgroup reads or writes a sysctl. 0 refuses."},
	{"cgroup-sockopt", "cgroup/getsockopt cgroup/setsockopt", "bpf_sockopt", "1", "", "", "cgroup", "",
		"Runs at getsockopt or setsockopt in a cgroup. 0 refuses."},
	{"cgroup-device", "cgroup/dev", "bpf_cgroup_dev_ctx", "1", "", "", "cgroup", "",
		"Runs when a process in a cgroup opens or makes a device node. 0 refuses."},

	{"kprobe", "kprobe ksyscall", "pt_regs", "0", "", "", "kprobe", "",
		"Runs at the entry, or any instruction, of a kernel function."},
	{"kretprobe", "kretprobe kretsyscall", "pt_regs", "0", "", "", "kprobe", "",
		"Runs when a kernel function returns."},
	{"kprobe-multi", "kprobe.multi", "pt_regs", "0", "", "", "kprobe-multi", "",
		"Runs at the entry of many kernel functions, attached at once."},
	{"kretprobe-multi", "kretprobe.multi", "pt_regs", "0", "", "", "kprobe-multi", "",
		"Runs when any of many kernel functions returns."},
	{"kprobe-session", "kprobe.session", "pt_regs", "0", "", "", "kprobe-multi", "",
		"Runs at entry and return of many kernel functions; 1 at entry skips the return."},
	{"uprobe", "uprobe uprobe.s", "pt_regs", "0", "", "", "uprobe", "",
		"Runs at a function or instruction of a user-space program or library."},
	{"uretprobe", "uretprobe uretprobe.s", "pt_regs", "0", "", "", "uprobe", "",
		"Runs when a user-space function returns."},
	{"uprobe-multi", "uprobe.multi uprobe.multi.s", "pt_regs", "0", "", "", "uprobe-multi", "",
		"Runs at many places of a user-space program, attached at once."},
	{"uretprobe-multi", "uretprobe.multi uretprobe.multi.s", "pt_regs", "0", "", "", "uprobe-multi", "",
		"Runs when any of many user-space functions returns."},
	{"uprobe-session", "uprobe.session uprobe.session.s", "pt_regs", "0", "", "", "uprobe-multi", "",
		"Runs at entry and return of user-space functions; 1 at entry skips the return."},
	{"usdt", "usdt usdt.s", "pt_regs", "0", "", "", "usdt", "",
		"Runs at a static probe point (USDT) of a user-space program."},
	{"tracepoint", "tracepoint tp", "", "0", "", "", "tracepoint", "",
		"Runs at a static tracepoint of the kernel; the context has the fields of its format."},
	{"raw-tracepoint", "raw_tracepoint raw_tp", "bpf_raw_tracepoint_args", "0", "", "", "raw-tracepoint", "",
		"Runs at a tracepoint with its bare arguments, as u64."},
	{"raw-tracepoint-writable", "raw_tracepoint.w raw_tp.w", "bpf_raw_tracepoint_args", "0", "", "", "raw-tracepoint", "",
		"A raw tracepoint whose first argument may be written."},
	{"tp-btf", "tp_btf", "", "0", "", "", "tracing", "",
		"Runs at a tracepoint with arguments typed by BTF."},
	{"fentry", "fentry fentry.s", "", "0", "", "", "tracing", "",
		"Runs at the entry of a kernel or BPF function, with arguments typed by BTF."},
	{"fexit", "fexit fexit.s", "", "0", "", "", "tracing", "",
		"Runs when a kernel or BPF function returns, with its arguments and result."},
	{"fsession", "fsession fsession.s", "", "0", "", "", "tracing", "",
		"Runs at entry and return of a kernel function."},
	{"fmod-ret", "fmod_ret fmod_ret.s", "", "0", "", "", "tracing", "",
		"Runs before a kernel function that permits it; a result other than 0 is returned in its place."},
	{"iter", "iter iter.s", "", "0", "", "", "iter", "",
		"Runs for each object of a kind (task, map element, socket...) and writes text or bytes to a file."},
	{"freplace", "freplace", "", "0", "", "", "freplace", "",
		"Replaces a global function of a loaded BPF program of the type :extends, with the parameters :args and the result :result (i32), or a whole program."},
	{"lsm", "lsm lsm.s", "", "0", "", "", "lsm", "",
		"Runs at a Linux security module hook; 0 permits, a negative errno refuses."},
	{"lsm-cgroup", "lsm_cgroup", "", "1", "", "", "cgroup", "",
		"Runs at a security module hook for the processes of a cgroup; 1 permits."},
	{"perf-event", "perf_event", "bpf_perf_event_data", "0", "", "", "perf-event", "",
		"Runs at a sample of a perf event, such as a clock."},
	{"struct-ops", "struct_ops struct_ops.s", "", "0", "", "", "struct-ops", "",
		"A function of a kernel struct of operations, such as a TCP congestion control."},
	{"syscall", "syscall", "", "0", "", "", "none", "",
		"Runs when user space asks for it (BPF_PROG_TEST_RUN), with a context of its own."},
}
