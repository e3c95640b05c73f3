package load

import (
	"fmt"
	"net"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// linkKinds are the names of types of links.
var linkKinds = map[link.Type]string{link.XDPType: "xdp", link.TCXType: "tcx", link.NetkitType: "netkit", link.CgroupType: "cgroup",
	link.NetNsType: "netns", link.NetfilterType: "netfilter", link.RawTracepointType: "raw_tracepoint", link.TracingType: "tracing",
	link.KprobeMultiType: "kprobe.multi", link.UprobeMultiType: "uprobe.multi", link.PerfEventType: "perf_event", link.IterType: "iter",
	link.StructOpsType: "struct_ops"}

// where says what a link is attached to, as far as the kernel tells.
func where(info *link.Info) string {
	iface := func(index uint32) string {
		if i, err := net.InterfaceByIndex(int(index)); err == nil {
			return i.Name
		}
		return fmt.Sprintf("interface %d", index)
	}
	way := func(t uint32) string { return fmt.Sprint(ebpf.AttachType(t)) }
	parts := []string{linkKinds[info.Type]}
	if parts[0] == "" {
		parts[0] = fmt.Sprintf("link of type %d", info.Type)
	}
	add := func(more ...string) { parts = append(parts, more...) }
	if x := info.XDP(); x != nil {
		add(iface(x.Ifindex))
	}
	if x := info.TCX(); x != nil {
		add(iface(x.Ifindex), way(uint32(x.AttachType)))
	}
	if x := info.Netkit(); x != nil {
		add(iface(x.Ifindex), way(uint32(x.AttachType)))
	}
	if x := info.Cgroup(); x != nil {
		add(fmt.Sprint(x.CgroupId), way(uint32(x.AttachType)))
	}
	if x := info.NetNs(); x != nil {
		add(fmt.Sprint(x.NetnsInode), way(uint32(x.AttachType)))
	}
	if x := info.Netfilter(); x != nil {
		add(nfName(uint32(x.ProtocolFamily), uint32(x.Hook), x.Priority))
	}
	if x := info.RawTracepoint(); x != nil {
		add(x.Name)
	}
	if x := info.Tracing(); x != nil {
		add(way(uint32(x.AttachType)))
	}
	if x := info.KprobeMulti(); x != nil {
		add(fmt.Sprintf("%d functions", x.Count))
	}
	if x := info.UprobeMulti(); x != nil {
		add(x.File, fmt.Sprintf("%d functions", x.Count))
	}
	if x := info.PerfEvent(); x != nil {
		switch {
		case x.Kprobe() != nil:
			add(fmt.Sprintf("%s+%#x", x.Kprobe().Function, x.Kprobe().Offset))
		case x.Uprobe() != nil:
			add(fmt.Sprintf("%s:%#x", x.Uprobe().File, x.Uprobe().Offset))
		case x.Tracepoint() != nil:
			add(x.Tracepoint().Tracepoint)
		case x.Event() != nil:
			add("sampled")
		}
	}
	return strings.Join(parts, " ")
}
