package load

import (
	"errors"
	"fmt"
	"runtime"
	"sort"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachUSDT attaches to all places of a static probe.
func attachUSDT(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	what := target(s)
	parts := strings.SplitN(what, ":", 3)
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return nil, what, fmt.Errorf("the section %q does not say where: want usdt/PATH:PROVIDER:NAME", s.SectionName)
	}
	file, err := findExecutable(parts[0], t.Pid)
	if err != nil {
		return nil, what, err
	}
	probes, known, err := usdtProbes(file, parts[1], parts[2])
	if err != nil {
		return nil, what, err
	}
	if len(probes) == 0 {
		sort.Strings(known)
		if len(known) > 20 {
			known = append(known[:20], "...")
		}
		if len(known) == 0 {
			return nil, what, fmt.Errorf("%s has no static probes", file)
		}
		return nil, what, fmt.Errorf("%s has no such probe (it has: %s)", file, strings.Join(known, " "))
	}
	exe, err := link.OpenExecutable(file)
	if err != nil {
		return nil, what, err
	}
	var all manyLinks
	for _, probe := range probes {
		cookie, err := t.coll.usdtSpec(probe.args)
		if err == nil {
			var l link.Link
			l, err = exe.Uprobe("", p, &link.UprobeOptions{Address: probe.offset, PID: t.Pid, RefCtrOffset: probe.semaphore, Cookie: cookie})
			if err == nil {
				all = append(all, l)
			}
		}
		if err != nil {
			all.Close()
			return nil, what, err
		}
	}
	return all, fmt.Sprintf("%s (%d places)", what, len(all)), nil
}

// usdtSpec stores where arguments are and gives the number of the entry.
func (c *Collection) usdtSpec(args string) (uint64, error) {
	if n, ok := c.specs[args]; ok {
		return n, nil
	}
	m := c.Map(usdtSpecs)
	if m == nil {
		return 0, errors.New("the object has no map " + usdtSpecs)
	}
	spec, err := parseUSDT(args, runtime.GOARCH)
	if err != nil {
		return 0, err
	}
	value, err := spec.encode()
	if err != nil {
		return 0, err
	}
	n := uint32(len(c.specs))
	if n >= m.MaxEntries() {
		return 0, fmt.Errorf("more than %d kinds of places of arguments", n)
	}
	if err := m.Put(n, value); err != nil {
		return 0, err
	}
	if c.specs == nil {
		c.specs = map[string]uint64{}
	}
	c.specs[args] = uint64(n)
	return uint64(n), nil
}

type manyLinks []closer

func (all manyLinks) Close() (err error) {
	for _, l := range all {
		err = errors.Join(err, l.Close())
	}
	return err
}
