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
	entries := map[uint32]uint32{}
	for k, n := range t.Redirect {
		i, err := net.InterfaceByName(n)
		if err != nil {
			return nil, what, fmt.Errorf("there is no interface %q", n)
		}
		entries[uint32(k)] = uint32(i.Index)
	}
	return fill(m, name, entries, p, what)
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
	entries := map[uint32]uint32{}
	for _, c := range cpus {
		if c < int(m.MaxEntries()) {
			entries[uint32(c)] = queue
		}
	}
	return fill(m, name, entries, p, what)
}

// fill writes struct bpf_devmap_val or bpf_cpumap_val: a number and a program.
func fill(m *ebpf.Map, name string, entries map[uint32]uint32, p *ebpf.Program, what string) (closer, string, error) {
	if m.ValueSize() != 8 {
		return nil, what, fmt.Errorf("the values of %s have %d bytes: only those of 8 hold a program", name, m.ValueSize())
	}
	for i, n := range entries {
		v := struct {
			First uint32
			Prog  int32
		}{n, int32(p.FD())}
		if err := m.Put(i, v); err != nil {
			return nil, what, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return closing(func() error {
		for i := range entries {
			if err := m.Delete(i); err != nil {
				return err
			}
		}
		return nil
	}), what, nil
}

// online lists the CPUs that the kernel runs on.
func online() (cpus []int, err error) {
	text, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	for _, r := range strings.Split(strings.TrimSpace(string(text)), ",") {
		from, to, isRange := strings.Cut(r, "-")
		first, err := strconv.Atoi(from)
		last := first
		if isRange && err == nil {
			last, err = strconv.Atoi(to)
		}
		if err != nil {
			return nil, fmt.Errorf("the list of CPUs %q: %w", text, err)
		}
		for c := first; c <= last; c++ {
			cpus = append(cpus, c)
		}
	}
	return cpus, nil
}
