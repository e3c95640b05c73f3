package load

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

func attachCgroup(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	if t.Cgroup == "" {
		return nil, "a cgroup", &ErrNoTarget{s.Name, s.SectionName, "--cgroup"}
	}
	// The section says it; ingress is 0, which is also what says nothing.
	l, err := link.AttachCgroup(link.CgroupOptions{Path: t.Cgroup, Attach: s.AttachType, Program: p})
	return l, fmt.Sprintf("cgroup %s (%s)", t.Cgroup, s.SectionName), err
}
