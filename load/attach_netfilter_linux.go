package load

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

var (
	nfFamilies = map[string]link.NetfilterProtocolFamily{"ipv4": link.NetfilterProtoIPv4, "ipv6": link.NetfilterProtoIPv6}
	nfHooks    = map[string]link.NetfilterInetHook{"prerouting": link.NetfilterInetPreRouting, "input": link.NetfilterInetLocalIn,
		"forward": link.NetfilterInetForward, "output": link.NetfilterInetLocalOut, "postrouting": link.NetfilterInetPostRouting}
)

// attachNetfilter attaches to a hook such as "ipv4/input" or, with a
// priority, "ipv6/output/-10".
func attachNetfilter(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error) {
	if t.NFHook == "" {
		return nil, "netfilter", &ErrNoTarget{s.Name, s.SectionName, "--nf-hook"}
	}
	what := "netfilter " + t.NFHook
	parts := strings.Split(t.NFHook, "/")
	bad := func() (closer, string, error) {
		return nil, what, &TargetError{"--nf-hook " + t.NFHook, "want FAMILY/HOOK[/PRIORITY]: " + words(nfFamilies) + " / " + words(nfHooks)}
	}
	if len(parts) < 2 || len(parts) > 3 {
		return bad()
	}
	family, ok1 := nfFamilies[parts[0]]
	hook, ok2 := nfHooks[parts[1]]
	priority := 0
	if len(parts) == 3 {
		var err error
		if priority, err = strconv.Atoi(parts[2]); err != nil {
			return bad()
		}
	}
	if !ok1 || !ok2 {
		return bad()
	}
	l, err := link.AttachNetfilter(link.NetfilterOptions{Program: p, ProtocolFamily: family, Hook: hook, Priority: int32(priority)})
	if err != nil && priority == 0 {
		err = fmt.Errorf("%w (another program may have this hook and priority)", err)
	}
	return l, what, err
}

func words[V any](m map[string]V) string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

// nfName is a hook as --nf-hook names it.
func nfName(family, hook uint32, priority int32) string {
	name := func(m map[string]uint32, n uint32) string {
		for s, x := range m {
			if x == n {
				return s
			}
		}
		return strconv.Itoa(int(n))
	}
	families, hooks := map[string]uint32{}, map[string]uint32{}
	for s, x := range nfFamilies {
		families[s] = uint32(x)
	}
	for s, x := range nfHooks {
		hooks[s] = uint32(x)
	}
	return fmt.Sprintf("%s/%s/%d", name(families, family), name(hooks, hook), priority)
}
