package load

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
)

// attachDevmap makes a program the one that runs on what a devmap redirects:
// entry i leads to interface i of the list.
func attachDevmap(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	if len(t.Redirect) == 0 {
		return nil, "a devmap", &ErrNoTarget{s.Name, s.SectionName, "--redirect"}
	}
	m, name, err := t.mapOf(s, ebpf.DevMap, ebpf.DevMapHash)
	what := fmt.Sprintf("the devmap %s (to %s)", name, strings.Join(t.Redirect, ", "))
	if err != nil {
		return nil, what, err
	}
	var first []uint32
	for _, n := range t.Redirect {
		i, err := net.InterfaceByName(n)
		if err != nil {
			return nil, what, fmt.Errorf("there is no interface %q", n)
		}
		first = append(first, uint32(i.Index))
	}
	return fill(m, name, first, p, what)
}

// attachCPUMap makes a program the one that runs on what a cpumap sends to
// other CPUs: entry i leads to CPU i.
func attachCPUMap(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	m, name, err := t.mapOf(s, ebpf.CPUMap)
	what := "the cpumap " + name
	if err != nil {
		return nil, what, err
	}
	cpus, err := online()
	if err != nil {
		return nil, what, err
	}
	const queue = 192 // packets that may wait, as in the kernel's own samples
	first := make([]uint32, min(cpus, int(m.MaxEntries())))
	for i := range first {
		first[i] = queue
	}
	return fill(m, name, first, p, what)
}

// fill writes struct bpf_devmap_val or bpf_cpumap_val: a number and a program.
func fill(m *ebpf.Map, name string, first []uint32, p *ebpf.Program, what string) (closer, string, error) {
	if m.ValueSize() != 8 {
		return nil, what, fmt.Errorf("the values of %s have %d bytes: only those of 8 hold a program", name, m.ValueSize())
	}
	for i, n := range first {
		v := struct {
			First uint32
			Prog  int32
		}{n, int32(p.FD())}
		if err := m.Put(uint32(i), v); err != nil {
			return nil, what, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return closing(func() error {
		for i := range first {
			if err := m.Delete(uint32(i)); err != nil {
				return err
			}
		}
		return nil
	}), what, nil
}

// online is how many CPUs the kernel runs on, were they numbered without
// gaps: the highest number and one.
func online() (int, error) {
	text, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return 0, err
	}
	list := strings.TrimSpace(string(text))
	last := list[strings.LastIndexAny(list, ",-")+1:]
	n, err := strconv.Atoi(last)
	return n + 1, err
}
