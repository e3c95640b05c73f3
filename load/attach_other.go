//go:build !linux

package load

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachers is empty: only Linux has what programs attach to.
var attachers []attacher

// SocketOf takes a socket of another process.
func SocketOf(pid, fd int) (*os.File, error) {
	return nil, errors.New("only Linux has what programs attach to")
}

func where(info *link.Info) string { return fmt.Sprint(info.Type) }

func attachOps(*ebpf.Map) (closer, error) {
	return nil, errors.New("only Linux has what programs attach to")
}

func opsMap(link.Link, *link.Info) uint32 { return 0 }

func opsMembers(map[uint32]uint32) map[uint32][]Loaded { return nil }
