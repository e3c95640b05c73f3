//go:build !linux

package live

import (
	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler/internal/user"
)

func openPerf(*ebpf.Map) (reader, error) {
	return nil, &user.Unsupported{What: "programs run in the kernel on Linux only"}
}
