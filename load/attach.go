package load

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// Targets say what to attach to, where the section of a program does not.
type Targets struct {
	Interface string // XDP and TC
	XDPMode   string // "driver", "generic" or "" for the best that works
	Cgroup    string // path of a cgroup2 directory
	Clsact    bool   // TC: use a clsact filter even where TCX exists
}

// An attacher attaches one program; a row of the table.
type attacher struct {
	kind    string
	matches func(s *ebpf.ProgramSpec) bool
	attach  func(p *ebpf.Program, s *ebpf.ProgramSpec, t Targets) (closer, string, error)
	needs   string // the option that must be given
}

// ErrNoTarget says that an option is missing.
type ErrNoTarget struct{ Program, Section, Option string }

func (e *ErrNoTarget) Error() string {
	return fmt.Sprintf("the program `%s` (section %q) needs %s", e.Program, e.Section, e.Option)
}

// CanAttach reports whether there is a way to attach programs of s's type.
func CanAttach(s *ebpf.ProgramSpec) bool { return attacherOf(s) != nil }

func attacherOf(s *ebpf.ProgramSpec) *attacher {
	for i := range attachers {
		if attachers[i].matches(s) {
			return &attachers[i]
		}
	}
	return nil
}

// tailCalled lists the programs that prog-arrays hold: they run through
// tail calls and are not attached themselves.
func (c *Collection) tailCalled() map[string]bool {
	in := map[string]bool{}
	for _, m := range c.Spec.Maps {
		if m.Type != ebpf.ProgramArray {
			continue
		}
		for _, kv := range m.Contents {
			if name, ok := kv.Value.(string); ok {
				in[name] = true
			}
		}
	}
	return in
}

// Attach attaches every program by its section, all or none.
func (c *Collection) Attach(t Targets) error {
	skip := c.tailCalled()
	for _, name := range c.Programs() {
		s := c.Spec.Programs[name]
		if skip[name] {
			continue
		}
		a := attacherOf(s)
		if a == nil {
			c.Detach()
			return fmt.Errorf("the program `%s` is of type %v (section %q), which cannot be attached here", name, s.Type, s.SectionName)
		}
		l, what, err := a.attach(c.coll.Programs[name], s, t)
		if err != nil {
			c.Detach()
			if _, missing := err.(*ErrNoTarget); missing {
				return err
			}
			return fmt.Errorf("attaching `%s` to %s: %w", name, what, err)
		}
		c.links = append(c.links, attached{name + " on " + what, l})
	}
	return nil
}
