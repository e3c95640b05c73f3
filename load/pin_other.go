//go:build !linux

package load

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// mapTypes fails: maps are in Linux.
func mapTypes(*ebpf.Map) (key, value btf.Type, err error) { return nil, nil, ebpf.ErrNotSupported }
