package load

import (
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

func attachCgroup(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	if t.Cgroup == "" {
		return nil, "a cgroup", &ErrNoTarget{s.Name, s.SectionName, "--cgroup"}
	}
	if s.AttachType == ebpf.AttachLSMCgroup {
		l, err := cgroupLink(p, s.AttachType, t.Cgroup)
		return l, fmt.Sprintf("cgroup %s (%s)", t.Cgroup, s.SectionName), err
	}
	// The section says it; ingress is 0, which is also what says nothing.
	l, err := link.AttachCgroup(link.CgroupOptions{Path: t.Cgroup, Attach: s.AttachType, Program: p})
	return l, fmt.Sprintf("cgroup %s (%s)", t.Cgroup, s.SectionName), err
}

// cgroupLink attaches a program of a kind that the library knows no link of.
func cgroupLink(p *ebpf.Program, way ebpf.AttachType, dir string) (closer, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return link.AttachRawLink(link.RawLinkOptions{Target: int(f.Fd()), Program: p, Attach: way})
}
