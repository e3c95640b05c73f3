//go:build !linux

package load

import (
	"errors"

	"github.com/cilium/ebpf"
)

func takeRaw(*ebpf.CollectionSpec) map[string]*ebpf.ProgramSpec { return nil }

func loadRaw(*ebpf.ProgramSpec, *ebpf.Collection) (*ebpf.Program, error) {
	return nil, errors.New("programs are loaded on Linux")
}

var rawKinds map[ebpf.AttachType]string
