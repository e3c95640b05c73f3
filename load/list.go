package load

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// A Loaded is a program in the kernel, once for each link of it.
type Loaded struct {
	ID       uint32 `json:"program"`
	Type     string `json:"type"`
	Name     string `json:"name"`
	Link     uint32 `json:"link,omitempty"`
	Attached string `json:"attached,omitempty"`
}

// ErrNoLink says that no link has the number.
var ErrNoLink = errors.New("no such link")

// List gives all programs in the kernel, with their links.
func List() (out []Loaded, err error) {
	links := map[uint32][]Loaded{}
	it := new(link.Iterator)
	for it.Next() {
		info, err := it.Link.Info()
		if err == nil {
			links[uint32(info.Program)] = append(links[uint32(info.Program)], Loaded{Link: uint32(info.ID), Attached: where(info)})
		}
		it.Link.Close()
	}
	if err := it.Err(); err != nil {
		return nil, err
	}
	id := ebpf.ProgramID(0)
	for {
		id, err = ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // it ended between the two calls
		}
		if info, err := p.Info(); err == nil {
			row := Loaded{ID: uint32(id), Type: info.Type.String(), Name: info.Name}
			if len(links[uint32(id)]) == 0 {
				out = append(out, row)
			}
			for _, l := range links[uint32(id)] {
				row.Link, row.Attached = l.Link, l.Attached
				out = append(out, row)
			}
		}
		p.Close()
	}
}

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

// ErrNoDetach says that a link of this kind ends with its owner only.
var ErrNoDetach = errors.New("links of this kind end with the process that holds them")

// DetachLink takes a link off what it is attached to; its owner keeps a
// link that does nothing.
func DetachLink(id uint32) error {
	l, err := link.NewFromID(link.ID(id))
	if errors.Is(err, os.ErrNotExist) {
		return ErrNoLink
	}
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.Detach(); errors.Is(err, ebpf.ErrNotSupported) {
		return ErrNoDetach
	} else {
		return err
	}
}
