package load

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachers is the table of ways to attach, by type of program.
var attachers = slices.Concat([]attacher{
	{"xdp-devmap", forAttach(ebpf.XDP, ebpf.AttachXDPDevMap), attachDevmap, "--redirect --map"},
	{"xdp-cpumap", forAttach(ebpf.XDP, ebpf.AttachXDPCPUMap), attachCPUMap, "--map"},
	{"xdp", ofType(ebpf.XDP), attachXDP, "--iface --xdp-mode"},
	{"netkit", forAttach(ebpf.SchedCLS, ebpf.AttachNetkitPrimary, ebpf.AttachNetkitPeer), attachNetkit, "--iface"},
	{"tc", ofType(ebpf.SchedCLS), attachTC, "--iface --clsact"},
	{"tc-action", ofType(ebpf.SchedACT), attachAction, "--iface"},
	{"lwt", ofType(ebpf.LWTIn, ebpf.LWTOut, ebpf.LWTXmit), attachLWT, "--route --iface"},
	{"seg6local", ofType(ebpf.LWTSeg6Local), attachSeg6Local, "--route --iface"},
	{"socket-filter", ofType(ebpf.SocketFilter), attachSocketFilter, "--iface --socket"},
	{"reuseport", ofType(ebpf.SkReuseport), attachReuseport, "--socket"},
	{"sockmap", ofType(ebpf.SkSKB, ebpf.SkMsg), attachSockmap, "--map"},
	{"netns", ofType(ebpf.SkLookup, ebpf.FlowDissector), attachNetNS, "--netns"},
	{"netfilter", ofType(ebpf.Netfilter), attachNetfilter, "--nf-hook"},
	{"cgroup", ofType(ebpf.CGroupSKB, ebpf.CGroupSock, ebpf.CGroupSockAddr, ebpf.CGroupSockopt, ebpf.CGroupSysctl,
		ebpf.CGroupDevice, ebpf.SockOps), attachCgroup, "--cgroup"},
	{"lsm-cgroup", forAttach(ebpf.LSM, ebpf.AttachLSMCgroup), attachCgroup, "--cgroup"},
	{"uprobe", underSection("uprobe", "uprobe.s", "uretprobe", "uretprobe.s"), attachUprobe, "--pid"},
	{"uprobe-multi", underSection("uprobe.multi", "uprobe.multi.s", "uretprobe.multi", "uretprobe.multi.s", "uprobe.session", "uprobe.session.s"),
		attachUprobeMulti, "--pid"},
	{"usdt", underSection("usdt", "usdt.s"), attachUSDT, "--pid"},
	{"perf-event", ofType(ebpf.PerfEvent), attachPerfEvent, "--event --freq --pid"},
	{"iter-map", iterates("bpf_map_elem", "bpf_sk_storage_map", "sockmap"), attachIter, "--map"},
	{"iter-cgroup", iterates("cgroup"), attachIter, "--cgroup"},
	{"iter-task", iterates("task", "task_file", "task_vma"), attachIter, "--pid"},
	{"iter", forAttach(ebpf.Tracing, ebpf.AttachTraceIter), attachIter, ""},
	{"tracepoint", ofType(ebpf.TracePoint), attachTracepoint, ""},
}, tracingAttachers)

// ofType matches programs of some types.
func ofType(types ...ebpf.ProgramType) func(*ebpf.ProgramSpec) bool {
	return func(s *ebpf.ProgramSpec) bool { return slices.Contains(types, s.Type) }
}

// forAttach matches programs of a type whose section means one of some ways
// to attach.
func forAttach(t ebpf.ProgramType, ways ...ebpf.AttachType) func(*ebpf.ProgramSpec) bool {
	return func(s *ebpf.ProgramSpec) bool { return s.Type == t && slices.Contains(ways, s.AttachType) }
}

// iterates matches iterators over some kinds of objects.
func iterates(kinds ...string) func(*ebpf.ProgramSpec) bool {
	return func(s *ebpf.ProgramSpec) bool {
		return s.Type == ebpf.Tracing && s.AttachType == ebpf.AttachTraceIter && slices.Contains(kinds, s.AttachTo)
	}
}

// underSection matches programs whose section begins so.
func underSection(prefixes ...string) func(*ebpf.ProgramSpec) bool {
	return func(s *ebpf.ProgramSpec) bool {
		head, _, _ := strings.Cut(strings.TrimPrefix(s.SectionName, "?"), "/")
		return slices.Contains(prefixes, head)
	}
}

func iface(s *ebpf.ProgramSpec, t Targets) (*net.Interface, error) {
	if t.Interface == "" {
		return nil, &ErrNoTarget{s.Name, s.SectionName, "--iface"}
	}
	i, err := net.InterfaceByName(t.Interface)
	if err != nil {
		var names []string
		all, _ := net.Interfaces()
		for _, x := range all {
			names = append(names, x.Name)
		}
		return nil, fmt.Errorf("there is no interface %q (there are: %s)", t.Interface, strings.Join(names, ", "))
	}
	return i, nil
}

func attachXDP(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	i, err := iface(s, t)
	if err != nil {
		return nil, "interface " + t.Interface, err
	}
	modes := []struct {
		name string
		flag link.XDPAttachFlags
	}{{"driver", link.XDPDriverMode}, {"generic", link.XDPGenericMode}}
	var first error
	for _, m := range modes {
		if t.XDPMode != "" && t.XDPMode != m.name {
			continue
		}
		l, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: i.Index, Flags: m.flag})
		if err == nil {
			return l, fmt.Sprintf("%s (xdp, %s mode)", i.Name, m.name), nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = fmt.Errorf("unknown XDP mode %q: want driver or generic", t.XDPMode)
	}
	return nil, i.Name + " (xdp)", first
}

func attachTracepoint(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	_, target, _ := strings.Cut(s.SectionName, "/")
	category, event, ok := strings.Cut(target, "/")
	if !ok {
		return nil, "a tracepoint", fmt.Errorf("the section %q names none: want tracepoint/CATEGORY/EVENT", s.SectionName)
	}
	l, err := link.Tracepoint(category, event, p, nil)
	return l, "tracepoint " + target, err
}
