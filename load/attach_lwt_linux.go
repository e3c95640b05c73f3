package load

import (
	"errors"
	"fmt"
	"net"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

var lwtModes = map[ebpf.ProgramType]int{ebpf.LWTIn: nl.LWT_BPF_IN, ebpf.LWTOut: nl.LWT_BPF_OUT, ebpf.LWTXmit: nl.LWT_BPF_XMIT}

// attachLWT adds a route whose packets run the program. The programs of one
// object share the route.
func attachLWT(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	r, what, err := route(s, t)
	if err != nil {
		return nil, what, err
	}
	encap := &netlink.BpfEncap{}
	var before *lwtRoute
	for _, l := range t.coll.links {
		if x, ok := l.link.(*lwtRoute); ok && x.LinkIndex == r.LinkIndex && x.Dst.String() == r.Dst.String() {
			before, encap = x, x.Encap.(*netlink.BpfEncap)
		}
	}
	if err := encap.SetProg(lwtModes[s.Type], p.FD(), s.Name); err != nil {
		return nil, what, err
	}
	r.Encap = encap
	if before != nil { // which takes the route away when it is closed
		return closing(func() error { return nil }), what, netlink.RouteReplace(r)
	}
	if err := netlink.RouteAdd(r); err != nil {
		return nil, what, err
	}
	return &lwtRoute{r}, what, nil
}

func attachSeg6Local(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	r, what, err := route(s, t)
	if err != nil {
		return nil, what, err
	}
	encap := &netlink.SEG6LocalEncap{Action: nl.SEG6_LOCAL_ACTION_END_BPF}
	encap.Flags[nl.SEG6_LOCAL_ACTION] = true
	encap.Flags[nl.SEG6_LOCAL_BPF] = true
	if err := encap.SetProg(p.FD(), s.Name); err != nil {
		return nil, what, err
	}
	r.Encap = encap
	if err := netlink.RouteAdd(r); err != nil {
		return nil, what, err
	}
	return &lwtRoute{r}, what, nil
}

// lwtRoute is a route of ours.
type lwtRoute struct{ *netlink.Route }

func (l *lwtRoute) Close() error {
	err := netlink.RouteDel(l.Route)
	if errors.Is(err, unix.ESRCH) { // the interface is gone, and the route with it
		return nil
	}
	return err
}

// route is the route that --route and --iface describe.
func route(s *ebpf.ProgramSpec, t Targets) (*netlink.Route, string, error) {
	if t.Route == "" {
		return nil, "a route", &ErrNoTarget{s.Name, s.SectionName, "--route"}
	}
	what := fmt.Sprintf("route %s dev %s (%s)", t.Route, t.Interface, s.SectionName)
	_, dst, err := net.ParseCIDR(t.Route)
	if err != nil {
		return nil, what, &TargetError{"--route " + t.Route, "want ADDRESS/PREFIX, such as 10.9.0.0/16"}
	}
	i, err := iface(s, t)
	if err != nil {
		return nil, what, err
	}
	return &netlink.Route{LinkIndex: i.Index, Dst: dst}, what, nil
}
