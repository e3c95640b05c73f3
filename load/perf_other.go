//go:build !linux

package load

import (
	"context"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// openPerf fails: only Linux has perf buffers.
func openPerf(context.Context, *ebpf.Map, string, *btf.Struct, chan<- Event) (func() error, error) {
	return nil, ebpf.ErrNotSupported
}

func perfRecords(*ebpf.Map) (recordReader, error) { return nil, ebpf.ErrNotSupported }
