package abi

import (
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
)

func TestMapTypes(t *testing.T) {
	if !sort.SliceIsSorted(mapTypes[:], func(i, j int) bool { return mapTypes[i].Keyword < mapTypes[j].Keyword }) {
		t.Error("not sorted")
	}
	// Every keyword of the language, with the id that another library gives it.
	for k, id := range map[string]ebpf.MapType{
		"hash": ebpf.Hash, "array": ebpf.Array, "percpu-hash": ebpf.PerCPUHash, "percpu-array": ebpf.PerCPUArray,
		"lru-hash": ebpf.LRUHash, "lru-percpu-hash": ebpf.LRUCPUHash, "lpm-trie": ebpf.LPMTrie, "ringbuf": ebpf.RingBuf,
		"user-ringbuf": ebpf.UserRingbuf, "prog-array": ebpf.ProgramArray, "perf-event-array": ebpf.PerfEventArray,
		"stack-trace": ebpf.StackTrace, "array-of-maps": ebpf.ArrayOfMaps, "hash-of-maps": ebpf.HashOfMaps, "devmap": ebpf.DevMap,
		"devmap-hash": ebpf.DevMapHash, "cpumap": ebpf.CPUMap, "xskmap": ebpf.XSKMap, "sockmap": ebpf.SockMap, "sockhash": ebpf.SockHash,
		"queue": ebpf.Queue, "stack": ebpf.Stack, "bloom-filter": ebpf.BloomFilter, "cgroup-array": ebpf.CGroupArray,
		"cgrp-storage": ebpf.CgroupStorage, "sk-storage": ebpf.SkStorage, "task-storage": ebpf.TaskStorage,
		"inode-storage": ebpf.InodeStorage, "reuseport-sockarray": ebpf.ReusePortSockArray, "arena": ebpf.Arena, "struct-ops": ebpf.StructOpsMap,
	} {
		m := MapTypeByKeyword(strings.ToUpper(k))
		if m == nil {
			t.Errorf("no map type %s", k)
			continue
		}
		if k == "cgrp-storage" {
			id = 32 // cilium/ebpf has no name of its own for it
		}
		if m.ID != uint32(id) && k != "cgrp-storage" || MapTypeByID(m.ID) != m {
			t.Errorf("%s: id %d, want %d", k, m.ID, id)
		}
		if !m.Probed && k != "struct-ops" {
			t.Errorf("%s was not probed", k)
		}
	}
	if MapTypeByKeyword("nosuch") != nil || MapTypeByID(9999) != nil {
		t.Error("found a map type that is none")
	}
}

func TestMapRules(t *testing.T) {
	m := func(k string) *MapType { return MapTypeByKeyword(k) }
	noPrealloc, _ := Constant("BPF_F_NO_PREALLOC")
	for _, c := range []struct {
		what string
		ok   bool
	}{
		{"an array key is 4 bytes", !m("array").Key.Accepts(8) && m("array").Key.Accepts(4)},
		{"a hash key is anything", m("hash").Key.Accepts(1) && m("hash").Key.Accepts(513) && !m("hash").Key.Accepts(0)},
		{"an LPM key is 5 to 260 bytes", m("lpm-trie").Key == SizeRule{false, 5, 260, 1}},
		{"an LPM trie needs NO_PREALLOC", m("lpm-trie").Required == uint32(noPrealloc)},
		{"a ring buffer has no key", m("ringbuf").Key.Accepts(0) && !m("ringbuf").Key.Accepts(4) && m("ringbuf").Entries == EntriesRing},
		{"stack traces are multiples of 8", m("stack-trace").Value.Accepts(1016) && !m("stack-trace").Value.Accepts(12)},
		{"storages have no entries", m("task-storage").Entries == EntriesZero && m("task-storage").BTF == BTFRequired},
		{"an LPM key is a struct", m("lpm-trie").BTF == BTFKeyStruct},
		{"ring buffers take no BTF", m("ringbuf").BTF == BTFNone && m("perf-event-array").BTF == BTFNone},
		{"hashes look up, queues do not", m("hash").Ops&OpLookup != 0 && m("queue").Ops&OpLookup == 0 && m("queue").Ops&OpPush != 0},
		{"tail calls go through prog arrays", m("prog-array").Ops&OpTailCall != 0 && m("hash").Ops&OpTailCall == 0},
	} {
		if !c.ok {
			t.Error(c.what)
		}
	}
	if n, ok := m("array").Key.Fixed(); n != 4 || !ok {
		t.Error("an array key has one size")
	}
}

func TestSections(t *testing.T) {
	for _, c := range []struct{ name, keyword, attach string }{
		{"xdp", "xdp", "BPF_XDP"}, {"xdp.frags", "xdp", "BPF_XDP"}, {"xdp/devmap", "xdp", "BPF_XDP_DEVMAP"}, {"?xdp", "xdp", "BPF_XDP"},
		{"tc", "tc", ""}, {"classifier", "tc", ""}, {"tc/ingress", "tc", "BPF_TCX_INGRESS"}, {"tcx/egress", "tc", "BPF_TCX_EGRESS"},
		{"tp/syscalls/sys_enter_open", "tracepoint", ""}, {"tracepoint/sched/sched_switch", "tracepoint", ""}, {"tracepoint", "tracepoint", ""},
		{"kprobe/do_unlinkat", "kprobe", ""}, {"kretprobe/x", "kretprobe", ""}, {"uprobe.s//bin/sh:main", "uprobe", ""},
		{"cgroup_skb/egress", "cgroup-skb", "BPF_CGROUP_INET_EGRESS"}, {"cgroup_skb/ingress", "cgroup-skb", "BPF_CGROUP_INET_INGRESS"},
		{"cgroup/skb", "cgroup-skb", ""}, {"cgroup/connect4", "cgroup-sock-addr", "BPF_CGROUP_INET4_CONNECT"},
		{"fentry/x", "fentry", "BPF_TRACE_FENTRY"}, {"fexit.s/x", "fexit", "BPF_TRACE_FEXIT"}, {"lsm/file_open", "lsm", "BPF_LSM_MAC"},
		{"lsm_cgroup/socket_bind", "lsm-cgroup", "BPF_LSM_CGROUP"}, {"iter/task", "iter", "BPF_TRACE_ITER"}, {"tp_btf/x", "tp-btf", "BPF_TRACE_RAW_TP"},
		{"raw_tp/x", "raw-tracepoint", ""}, {"raw_tracepoint.w/x", "raw-tracepoint-writable", ""}, {"socket", "socket-filter", ""},
		{"struct_ops.s/init", "struct-ops", ""}, {"syscall", "syscall", ""}, {"netfilter", "netfilter", "BPF_NETFILTER"},
		{"perf_event", "perf-event", ""}, {"sk_msg", "sk-msg", "BPF_SK_MSG_VERDICT"}, {"sockops", "sock-ops", "BPF_CGROUP_SOCK_OPS"},
		{"usdt/x:y:z", "usdt", ""}, {"kprobe.multi/x*", "kprobe-multi", "BPF_TRACE_KPROBE_MULTI"}, {"netkit/peer", "netkit", "BPF_NETKIT_PEER"},
		{"ksyscall/open", "kprobe", ""}, {"freplace/f", "freplace", ""}, {"lwt_xmit", "lwt-xmit", ""}, {"action", "sched-act", ""},
	} {
		s := SectionMatch(c.name)
		if s == nil {
			t.Errorf("%s: no section", c.name)
			continue
		}
		want, _ := Constant(c.attach)
		if s.Keyword != c.keyword || s.AttachType != uint32(want) || s.ProgType().Type != s.Type {
			t.Errorf("%s: %+v", c.name, s)
		}
		if p, ok := ProgTypeBySection(c.name); !ok || p.Keyword != c.keyword || !slices.Contains(p.Sections, s.Pattern) {
			t.Errorf("%s: program type %v", c.name, p)
		}
	}
	for _, bad := range []string{"", "xdpfoo", "xdp/eth0", "kprobes/x", "maps", ".text", "license", "tcx", "socket1", "cgroup", "kprobe.s/x"} {
		if s := SectionMatch(bad); s != nil {
			t.Errorf("%q matches %s", bad, s.Pattern)
		}
	}
	if got := SectionTarget("tracepoint/sched/sched_switch"); got != "sched/sched_switch" {
		t.Errorf("target %q", got)
	}
	if !SectionMatch("uprobe.s/x").Sleepable() || SectionMatch("uprobe/x").Sleepable() {
		t.Error("sleepable")
	}
}

func TestProgTypes(t *testing.T) {
	if len(progTypes) > 64 {
		t.Fatal("a ProgSet is too small")
	}
	for i := range progTypes {
		p := &progTypes[i]
		if int(p.Index) != i || ProgTypeByKeyword(p.Keyword) != p {
			t.Errorf("%s: wrong place", p.Keyword)
		}
		if s := SectionMatch(p.Section); s == nil || s.Keyword != p.Keyword || s.AttachType != p.Attach {
			t.Errorf("%s: default section %q means %v", p.Keyword, p.Section, s)
		}
		if p.HasRet && (p.PassValue < p.RetMin || p.PassValue > p.RetMax) {
			t.Errorf("%s: pass verdict %d is not in %d..%d", p.Keyword, p.PassValue, p.RetMin, p.RetMax)
		}
		if p.Ctx != "" && CtxStructByName(p.Ctx) == nil {
			t.Errorf("%s: no context %s", p.Keyword, p.Ctx)
		}
		if id, ok := Constant(p.C); !ok || id != int64(p.Type) {
			t.Errorf("%s: %s is %d", p.Keyword, p.C, id)
		}
	}
	for k, typ := range map[string]ebpf.ProgramType{"xdp": ebpf.XDP, "tc": ebpf.SchedCLS, "kprobe": ebpf.Kprobe, "fentry": ebpf.Tracing,
		"lsm": ebpf.LSM, "sk-lookup": ebpf.SkLookup, "cgroup-device": ebpf.CGroupDevice, "netfilter": ebpf.Netfilter, "syscall": ebpf.Syscall} {
		if p := ProgTypeByKeyword(k); p.Type != uint32(typ) {
			t.Errorf("%s: type %d", k, p.Type)
		}
	}
	skb := ProgTypeByKeyword("cgroup-skb")
	if !skb.PacketL3 || !skb.Packet || skb.RetMax != 3 || SectionMatch("cgroup_skb/ingress").RetMax != 1 {
		t.Errorf("cgroup-skb: %+v", skb)
	}
	if x := ProgTypeByKeyword("XDP"); x.Pass != "XDP_PASS" || x.PassValue != 2 || x.RetMax != 4 || x.Ctx != "xdp_md" {
		t.Errorf("xdp: %+v", x)
	}
	both := HelperByName("skb-store-bytes").Progs.Keywords()
	if !slices.Contains(both, "tc") || slices.Contains(both, "xdp") {
		t.Errorf("keywords %v", both)
	}
}

func TestCtx(t *testing.T) {
	x := CtxStructByName("xdp_md")
	for name, off := range map[string]uint32{"data": 0, "DATA-END": 4, "data_meta": 8, "ingress-ifindex": 12, "rx_queue_index": 16} {
		f := x.Field(name)
		if f == nil || f.Offset != off || f.Size != 4 || x.At(off) != f || x.At(off+3) != f {
			t.Errorf("xdp_md.%s: %+v", name, f)
		}
	}
	if x.Field("data").Kind != CtxPacket || x.Field("data_end").Kind != CtxPacketEnd || x.Field("data_meta").Kind != CtxPacketMeta {
		t.Error("kinds of xdp_md")
	}
	if x.At(24) != nil || x.Field("nosuch") != nil || CtxStructByName("nosuch") != nil {
		t.Error("found a field that is none")
	}
	s := CtxStructByName("__sk_buff")
	tc, filter := ProgTypeByKeyword("tc"), ProgTypeByKeyword("socket-filter")
	if f := s.Field("mark"); !f.Write.Has(tc) || f.Write.Has(filter) || !f.Narrow || f.Offset != 8 {
		t.Errorf("mark: %+v", f)
	}
	if f := s.Field("data"); !f.Read.Has(tc) || f.Read.Has(filter) || f.Offset != 76 {
		t.Errorf("data: %+v", f)
	}
	if f := s.Field("cb"); f.Count != 5 || s.At(48+16) != f {
		t.Errorf("cb: %+v", f)
	}
	if f := s.Field("sk"); f.Kind != CtxSock || !f.NullOK || f.Size != 8 {
		t.Errorf("sk: %+v", f)
	}
	if s.At(190) == nil || s.At(182) != nil {
		t.Error("padding of __sk_buff")
	}
}

func TestConstants(t *testing.T) {
	if !sort.SliceIsSorted(constants[:], func(i, j int) bool { return constants[i].name < constants[j].name }) {
		t.Error("not sorted")
	}
	for name, want := range map[string]int64{
		"XDP_PASS": 2, "TC_ACT_SHOT": 2, "TC_ACT_UNSPEC": -1, "ETH_P_IP": 0x800, "ETH_P_IPV6": 0x86dd, "IPPROTO_TCP": 6, "AF_INET6": 10,
		"ENOENT": int64(syscall.ENOENT), "SIGINT": int64(syscall.SIGINT), "BPF_ANY": 0, "BPF_NOEXIST": 1, "BPF_EXIST": 2,
		"BPF_F_CURRENT_CPU": 0xffffffff, "SK_PASS": 1, "SK_DROP": 0, "NF_ACCEPT": 1, "CAP_SYS_ADMIN": 21, "CLONE_NEWNET": 0x40000000,
		"BPF_MAP_TYPE_HASH": 1, "BPF_F_NO_PREALLOC": 1, "BPF_RB_FORCE_WAKEUP": 2, "PERF_COUNT_SW_CPU_CLOCK": 0, "SOCK_STREAM": 1,
		"BPF_SOCK_OPS_TCP_CONNECT_CB": 3, "BPF_FIB_LKUP_RET_SUCCESS": 0, "O_WRONLY": 1, "TCP_ESTABLISHED": 1, "TCX_PASS": 0,
	} {
		if got, ok := Constant(name); !ok || got != want {
			t.Errorf("%s = %d %v, want %d", name, got, ok, want)
		}
		if got, ok := ConstantFold(strings.ToLower(strings.ReplaceAll(name, "_", "-"))); !ok || got != want {
			t.Errorf("%s folded = %d %v", name, got, ok)
		}
	}
	if _, ok := Constant("xdp_pass"); ok {
		t.Error("Constant ignores case")
	}
	if p := ConstantsWithPrefix("XDP_PA"); !slices.Contains(p, "XDP_PASS") {
		t.Errorf("prefix: %v", p)
	}
}

func TestHeaders(t *testing.T) {
	sizes := map[string]int{"eth": 14, "ipv4": 20, "ipv6": 40, "tcp": 20, "udp": 8, "icmp": 8, "icmpv6": 8, "arp": 8, "vlan": 4}
	for name, size := range sizes {
		if h := HeaderByName(name); h == nil || h.Size != size {
			t.Errorf("%s: %+v", name, h)
		}
	}
	for _, c := range []struct {
		header, field string
		offset, size  int
		net           bool
	}{
		{"eth", "h_proto", 12, 2, true}, {"ipv4", "saddr", 12, 4, true}, {"ipv4", "ttl", 8, 1, false}, {"ipv4", "tot-len", 2, 2, true},
		{"tcp", "dest", 2, 2, true}, {"tcp", "SEQ", 4, 4, true}, {"udp", "len", 4, 2, true}, {"ipv6", "nexthdr", 6, 1, false},
		{"arp", "ar_op", 6, 2, true}, {"vlan", "h_vlan_TCI", 0, 2, true}, {"icmp", "type", 0, 1, false},
	} {
		f := HeaderByName(c.header).Field(c.field)
		if f == nil || f.Offset != c.offset || f.Size != c.size || f.NetOrder != c.net {
			t.Errorf("%s.%s: %+v", c.header, c.field, f)
		}
	}
	if f := HeaderByName("ipv4").Field("ihl"); f.BitSize != 4 || f.BitOffset != 0 {
		t.Errorf("ihl: %+v", f)
	}
	if f := HeaderByName("tcp").Field("syn"); f.BitSize != 1 || f.Offset != 12 || f.BitOffset != 9 {
		t.Errorf("syn: %+v", f)
	}
}

func TestObjectName(t *testing.T) {
	for lisp, want := range map[string]string{
		"PKT-COUNT": "pkt_count", "*LIMIT*": "limit", "+MAX+": "max", "pktCount": "pktCount", "3WAY": "_3way", "INT": "int_",
		"A?B": "a_b", "*": "_", "**": "__", "X*": "x_", "*3*": "_3", "": "_", "FOO_BAR": "foo_bar", "*WHILE*": "while_", "Ä": "_", "+X*": "_x_",
	} {
		if got := ObjectName(lisp); got != want {
			t.Errorf("%q: %q, want %q", lisp, got, want)
		}
	}
	if !sort.StringsAreSorted(cKeywords[:]) {
		t.Error("cKeywords not sorted")
	}
}
