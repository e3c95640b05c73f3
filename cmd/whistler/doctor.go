package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"github.com/whistler-lang/whistler/internal/kernel"
	"github.com/whistler-lang/whistler/load"
)

// doctorCmd says what this machine and user can do.
type doctorCmd struct{}

func (doctorCmd) Run(a *app) error {
	say := func(ok bool, what, detail string) {
		mark := "ok     "
		if !ok {
			mark = "missing"
		}
		fmt.Fprintf(a.out, "%s  %-28s %s\n", mark, what, detail)
	}
	say(true, "compiling", fmt.Sprintf("needs nothing (%s/%s)", runtime.GOOS, runtime.GOARCH))
	if runtime.GOOS != "linux" {
		say(false, "loading", "only Linux runs eBPF programs; objects compiled here run there")
		return nil
	}
	if v, err := features.LinuxVersionCode(); err == nil {
		say(v >= 4<<16|18<<8, "kernel", fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff))
	}
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	say(err == nil, "kernel types (BTF)", "/sys/kernel/btf/vmlinux")
	why := func(err error) string {
		switch {
		case err == nil:
			return ""
		case load.Denied(err):
			return "not allowed: run as root, or give CAP_BPF with CAP_NET_ADMIN and CAP_PERFMON"
		case errors.Is(err, ebpf.ErrNotSupported):
			return "this kernel has none"
		}
		return err.Error()
	}
	err = features.HaveMapType(ebpf.Hash)
	say(err == nil, "bpf() system call", why(err))
	if err == nil {
		for _, t := range []struct {
			name string
			t    ebpf.ProgramType
		}{{"XDP programs", ebpf.XDP}, {"TC programs", ebpf.SchedCLS}, {"tracepoint programs", ebpf.TracePoint}, {"cgroup programs", ebpf.CGroupSKB}} {
			err := features.HaveProgramType(t.t)
			say(err == nil, t.name, why(err))
		}
		err = features.HaveMapType(ebpf.RingBuf)
		say(err == nil, "ring buffers", why(err))
	}
	dir := kernel.Find().Dir
	detail := dir
	if dir == "" {
		detail = "mount -t tracefs tracefs /sys/kernel/tracing (for deftracepoint, tracepoints and printk)"
	}
	say(dir != "", "tracefs", detail)
	cg := kernel.Cgroup2()
	detail = cg
	if cg == "" {
		detail = "mount -t cgroup2 none DIR (for cgroup programs)"
	}
	say(cg != "", "cgroup2", detail)
	return nil
}
