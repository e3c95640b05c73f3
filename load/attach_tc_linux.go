package load

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

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

func attachClsact(p *ebpf.Program, name string, index int, dir string) (closer, error) {
	parent := uint32(netlink.HANDLE_MIN_INGRESS)
	if dir == "egress" {
		parent = netlink.HANDLE_MIN_EGRESS
	}
	return underClsact(&netlink.BpfFilter{FilterAttrs: netlink.FilterAttrs{LinkIndex: index, Parent: parent, Handle: 1,
		Protocol: unix.ETH_P_ALL, Priority: 1}, Fd: p.FD(), Name: name, DirectAction: true}, index)
}

// clsact is a filter under the clsact qdisc, for kernels before 6.6.
type clsact struct {
	filter netlink.Filter
	qdisc  netlink.Qdisc // not nil where we made it
}

func underClsact(f netlink.Filter, index int) (closer, error) {
	qdisc := &netlink.GenericQdisc{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index,
		Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}, QdiscType: "clsact"}
	made := true
	if err := netlink.QdiscAdd(qdisc); err != nil {
		if err != unix.EEXIST {
			return nil, fmt.Errorf("adding the clsact qdisc: %w", err)
		}
		made = false
	}
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

func attachNetkit(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	i, err := iface(s, t)
	if err != nil {
		return nil, "interface " + t.Interface, err
	}
	l, err := link.AttachNetkit(link.NetkitOptions{Interface: i.Index, Program: p, Attach: s.AttachType})
	return l, fmt.Sprintf("%s (%s)", i.Name, s.SectionName), err
}

// attachAction runs a program as the action of a filter that matches
// everything that arrives.
func attachAction(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	i, err := iface(s, t)
	if err != nil {
		return nil, "interface " + t.Interface, err
	}
	filter := &netlink.MatchAll{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: i.Index, Parent: netlink.HANDLE_MIN_INGRESS, Handle: 1, Protocol: unix.ETH_P_ALL, Priority: 1},
		Actions:     []netlink.Action{&netlink.BpfAction{Fd: p.FD(), Name: s.Name}},
	}
	l, err := underClsact(filter, i.Index)
	return l, fmt.Sprintf("%s (tc action, ingress)", i.Name), err
}
