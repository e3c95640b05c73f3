package load

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cilium/ebpf"
)

// attachIter makes an iterator: who opens it runs the program for each
// object of the kind.
func attachIter(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	what := "iterator " + s.AttachTo
	var info iterInfo
	switch {
	case s.AttachTo == "bpf_map_elem" || s.AttachTo == "bpf_sk_storage_map" || s.AttachTo == "sockmap":
		m, name, err := t.mapOf(s, iterated[s.AttachTo]...)
		if err != nil {
			return nil, what, err
		}
		info[0] = uint32(m.FD())
		what += " of " + name
	case s.AttachTo == "cgroup":
		if t.Cgroup == "" {
			return nil, what, &ErrNoTarget{s.Name, s.SectionName, "--cgroup"}
		}
		f, err := os.Open(t.Cgroup)
		if err != nil {
			return nil, what, err
		}
		defer f.Close()
		info = iterInfo{cgroupIterDescendants, uint32(f.Fd())}
		what += " under " + t.Cgroup
	case strings.HasPrefix(s.AttachTo, "task") && t.Pid != 0:
		info = iterInfo{0, uint32(t.Pid)}
		what += fmt.Sprintf(" of process %d", t.Pid)
	}
	l, err := iterLink(p, s.AttachType, info)
	if err != nil {
		return nil, what, err
	}
	return &iterator{l, s.Name}, what, nil
}

// iterated are the types of maps that the iterators over maps take; none is
// those that have keys and values.
var iterated = map[string][]ebpf.MapType{
	"bpf_map_elem":       {ebpf.Hash, ebpf.LRUHash, ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.Array, ebpf.PerCPUArray},
	"bpf_sk_storage_map": {ebpf.SkStorage},
	"sockmap":            {ebpf.SockMap, ebpf.SockHash},
}

// An iterator is one that is attached.
type iterator struct {
	fdLink
	program string
}

func (it *iterator) walk() (string, io.ReadCloser, error) {
	f, err := openIter(it.fdLink)
	return it.program, f, err
}
