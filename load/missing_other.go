//go:build !linux

package load

import "github.com/cilium/ebpf"

func missing(_ string, _ *ebpf.ProgramSpec, err error) error { return err }
