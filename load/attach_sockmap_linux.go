package load

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachSockmap puts a program onto a map of sockets: it runs for those that
// are in the map.
func attachSockmap(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	m, name, err := t.mapOf(s, ebpf.SockMap, ebpf.SockHash)
	what := "the sockets of " + name
	if err != nil {
		return nil, what, err
	}
	way := s.AttachType
	if s.Type == ebpf.SkSKB && way == 0 {
		return nil, what, fmt.Errorf("the section %q does not say how: want sk_skb/stream_parser, sk_skb/stream_verdict or sk_skb/verdict", s.SectionName)
	}
	if err := link.RawAttachProgram(link.RawAttachProgramOptions{Target: m.FD(), Program: p, Attach: way}); err != nil {
		return nil, what, err
	}
	return closing(func() error {
		return link.RawDetachProgram(link.RawDetachProgramOptions{Target: m.FD(), Program: p, Attach: way})
	}), what, nil
}

// mapOf gives the map that t names, or the only one of these types.
func (t Targets) mapOf(s *ebpf.ProgramSpec, types ...ebpf.MapType) (m *ebpf.Map, name string, err error) {
	if strings.ContainsRune(t.Map, '/') {
		m, err := ebpf.LoadPinnedMap(t.Map, nil)
		return m, t.Map, err
	}
	has := func(typ ebpf.MapType) bool {
		for _, x := range types {
			if x == typ {
				return true
			}
		}
		return len(types) == 0
	}
	var names []string
	for _, n := range t.coll.Maps() {
		if has(t.coll.Spec.Maps[n].Type) && !Internal(n) {
			names = append(names, n)
		}
	}
	if t.Map != "" {
		for _, n := range names {
			if n == t.Map || n == objectName(t.Map) {
				return t.coll.Map(n), n, nil
			}
		}
		return nil, t.Map, fmt.Errorf("the object has no such map %q (there are: %s)", t.Map, strings.Join(names, ", "))
	}
	if len(names) == 1 {
		return t.coll.Map(names[0]), names[0], nil
	}
	return nil, "a map", &ErrNoTarget{s.Name, s.SectionName, "--map"}
}

// closing is a closer that is a function.
type closing func() error

func (f closing) Close() error { return f() }
