package load

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachOps registers the struct of operations that a map holds.
func attachOps(m *ebpf.Map) (closer, error) {
	return link.AttachStructOps(link.StructOpsOptions{Map: m})
}
