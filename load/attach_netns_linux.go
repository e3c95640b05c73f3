package load

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachNetNS attaches to a network namespace, by default that of the
// calling thread.
func attachNetNS(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	path, what := "/proc/thread-self/ns/net", "this network namespace"
	if t.NetNS != "" {
		path, what = t.NetNS, "network namespace "+t.NetNS
		if !strings.ContainsRune(path, '/') {
			path = filepath.Join("/run/netns", path)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, what, err
	}
	defer f.Close()
	l, err := link.AttachNetNs(int(f.Fd()), p)
	return l, what, err
}
