package load

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
)

// replaceIn gives the freplace programs of an object their target: the kernel
// compares their types when it loads them.
func replaceIn(spec *ebpf.CollectionSpec, target *ebpf.Program) error {
	var known []string
	for _, name := range sortedKeys(spec.Programs) {
		s := spec.Programs[name]
		if s.Type != ebpf.Extension {
			continue
		}
		if target == nil {
			return &ErrNoTarget{name, s.SectionName, "--program"}
		}
		if known == nil {
			var err error
			if known, err = functionsOf(target); err != nil {
				return err
			}
		}
		function, err := named(s, "function")
		if err != nil {
			return err
		}
		if !slices.Contains(known, function) {
			return &Missing{name, "the program", "function", function, known, nil}
		}
		s.AttachTarget = target
	}
	return nil
}

// functionsOf lists the functions of a loaded program.
func functionsOf(p *ebpf.Program) (names []string, err error) {
	h, err := p.Handle()
	if err != nil {
		return nil, fmt.Errorf("%v has no types (BTF), without which no function of it can be replaced: %w", p, err)
	}
	defer h.Close()
	spec, err := h.Spec(nil)
	if err != nil {
		return nil, err
	}
	for t := range spec.All() {
		if f, ok := t.(*btf.Func); ok && err == nil {
			names = append(names, f.Name)
		}
	}
	return names, nil
}

func attachFreplace(p *ebpf.Program, s *ebpf.ProgramSpec, _ Targets) (closer, string, error) {
	function, err := named(s, "function")
	if err != nil {
		return nil, "a function", err
	}
	l, err := link.AttachFreplace(nil, "", p) // the target is that of loading
	return l, "function " + function, err
}

// LoadedProgram finds a program in the kernel: by its number, by its name where only
// one has it, or by the path where it is pinned.
func LoadedProgram(which string) (*ebpf.Program, error) {
	if id, err := strconv.ParseUint(which, 10, 32); err == nil {
		p, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("no program has the number %d", id)
		}
		return p, err
	}
	if strings.Contains(which, "/") {
		return ebpf.LoadPinnedProgram(which, nil)
	}
	all, err := List()
	if err != nil {
		return nil, err
	}
	ids := map[uint32]bool{}
	for _, l := range all {
		if l.Name == which || l.Name == objectName(which) {
			ids[l.ID] = true
		}
	}
	if len(ids) != 1 {
		return nil, fmt.Errorf("%d programs have the name %s (`whistler ps` lists all, with their numbers)", len(ids), which)
	}
	return ebpf.NewProgramFromID(ebpf.ProgramID(slices.Collect(maps.Keys(ids))[0]))
}
