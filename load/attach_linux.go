package load

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// attachers is the table of ways to attach, by type of program.
var attachers = slices.Concat(tracingAttachers, []attacher{
	{"xdp", func(s *ebpf.ProgramSpec) bool { return s.Type == ebpf.XDP }, attachXDP, "--iface"},
	{"tc", func(s *ebpf.ProgramSpec) bool { return s.Type == ebpf.SchedCLS }, attachTC, "--iface"},
	{"tracepoint", func(s *ebpf.ProgramSpec) bool { return s.Type == ebpf.TracePoint }, attachTracepoint, ""},
	{"cgroup", func(s *ebpf.ProgramSpec) bool { return s.Type == ebpf.CGroupSKB }, attachCgroup, "--cgroup"},
})

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

// egress reports whether a TC section means the way out.
func egress(section string) bool {
	return strings.HasSuffix(section, "/egress")
}

func attachTC(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	i, err := iface(s, t)
	if err != nil {
		return nil, "interface " + t.Interface, err
	}
	way, dir := ebpf.AttachTCXIngress, "ingress"
	if egress(s.SectionName) {
		way, dir = ebpf.AttachTCXEgress, "egress"
	}
	if !t.Clsact {
		l, err := link.AttachTCX(link.TCXOptions{Interface: i.Index, Program: p, Attach: way})
		if err == nil {
			return l, fmt.Sprintf("%s (tcx %s)", i.Name, dir), nil
		}
		if Denied(err) {
			return nil, i.Name + " (tc)", err
		}
	}
	l, err := attachClsact(p, s.Name, i.Index, dir)
	return l, fmt.Sprintf("%s (clsact %s)", i.Name, dir), err
}

// clsact is a filter under the clsact qdisc, for kernels before 6.6.
type clsact struct {
	filter *netlink.BpfFilter
	qdisc  netlink.Qdisc // not nil where we made it
}

func attachClsact(p *ebpf.Program, name string, index int, dir string) (closer, error) {
	qdisc := &netlink.GenericQdisc{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index,
		Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}, QdiscType: "clsact"}
	made := true
	if err := netlink.QdiscAdd(qdisc); err != nil {
		if err != unix.EEXIST {
			return nil, fmt.Errorf("adding the clsact qdisc: %w", err)
		}
		made = false
	}
	parent := uint32(netlink.HANDLE_MIN_INGRESS)
	if dir == "egress" {
		parent = netlink.HANDLE_MIN_EGRESS
	}
	f := &netlink.BpfFilter{FilterAttrs: netlink.FilterAttrs{LinkIndex: index, Parent: parent, Handle: 1,
		Protocol: unix.ETH_P_ALL, Priority: 1}, Fd: p.FD(), Name: name, DirectAction: true}
	c := &clsact{filter: f}
	if made {
		c.qdisc = qdisc
	}
	if err := netlink.FilterAdd(f); err != nil {
		if made {
			netlink.QdiscDel(qdisc)
		}
		return nil, fmt.Errorf("adding the filter: %w", err)
	}
	return c, nil
}

func (c *clsact) Close() error {
	if c.qdisc != nil { // takes the filter with it
		return netlink.QdiscDel(c.qdisc)
	}
	return netlink.FilterDel(c.filter)
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

func attachCgroup(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	if t.Cgroup == "" {
		return nil, "a cgroup", &ErrNoTarget{s.Name, s.SectionName, "--cgroup"}
	}
	way := s.AttachType
	if strings.HasSuffix(s.SectionName, "/egress") {
		way = ebpf.AttachCGroupInetEgress
	} else if way == 0 {
		way = ebpf.AttachCGroupInetIngress
	}
	l, err := link.AttachCgroup(link.CgroupOptions{Path: t.Cgroup, Attach: way, Program: p})
	return l, fmt.Sprintf("cgroup %s (%s)", t.Cgroup, s.SectionName), err
}
