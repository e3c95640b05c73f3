package live

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/types"
	"github.com/whistler-lang/whistler/internal/user"
	"github.com/whistler-lang/whistler/load"
)

// A Machine is the kernel with one object that is loaded anew again and again,
// for a prompt.
type Machine struct {
	Defaults load.Targets
	h        *host
	r        *compile.Result
}

// Name is "the kernel".
func (*Machine) Name() string { return "the kernel" }

// Processed is how many instructions the verifier went through.
func (m *Machine) Processed(program string) uint32 {
	if m.h == nil {
		return 0
	}
	return m.h.coll.Processed(program)
}

// Close detaches and unloads all.
func (m *Machine) Close() {
	if m.h != nil {
		m.h.Close()
		m.h = nil
	}
}

// Load loads an object in the place of the one before. Its maps keep what
// they have where they are defined alike, and programs that are attached are
// replaced: at once where the kernel does that, else the new one comes before
// the old one goes, so that nothing is missed.
func (m *Machine) Load(r *compile.Result) (user.Host, []string, error) {
	o := load.Options{}
	if m.h != nil {
		o.Maps = m.kept(r)
	}
	h, err := open(r, o)
	if err != nil {
		return nil, nil, err
	}
	h.defaults = m.Defaults
	var said []string
	if m.h != nil {
		for _, l := range m.h.links {
			what, err := l.move(m.h, h)
			if err != nil {
				what = fmt.Sprintf("%s is detached: %v", l.What(), err)
			}
			if what != "" {
				said = append(said, what)
			}
		}
		m.h.Close()
	}
	m.h, m.r = h, r
	return h, said, nil
}

// kept are the maps of the object before that the new one goes on with.
func (m *Machine) kept(r *compile.Result) map[string]*ebpf.Map {
	out := map[string]*ebpf.Map{}
	for _, now := range r.Unit.Maps {
		for _, old := range m.r.Unit.Maps {
			if old.C == now.C && alike(old, now) {
				out[now.C] = m.h.coll.Map(now.C)
			}
		}
	}
	same := func(section string) bool {
		of := func(u *lang.Unit) (gs []*lang.Global) {
			for _, g := range u.Globals {
				if g.Section() == section {
					gs = append(gs, g)
				}
			}
			return gs
		}
		return slices.EqualFunc(of(m.r.Unit), of(r.Unit), func(a, b *lang.Global) bool {
			return a.C == b.C && sameType(a.Type, b.Type) && bytes.Equal(a.Init, b.Init)
		})
	}
	for _, section := range []string{".data", ".bss"} {
		if old := m.h.coll.Map(section); old != nil && same(section) {
			out[section] = old
		}
	}
	for name := range out {
		if out[name] == nil {
			delete(out, name)
		}
	}
	return out
}

// alike reports whether two maps are defined in the same way.
func alike(a, b *lang.Map) bool {
	if a.Inner != nil || b.Inner != nil {
		if a.Inner == nil || b.Inner == nil || !alike(a.Inner, b.Inner) {
			return false
		}
	}
	return a.Type == b.Type && a.KeySize == b.KeySize && a.ValueSize == b.ValueSize && a.MaxEntries == b.MaxEntries &&
		a.Flags == b.Flags && a.Extra == b.Extra && sameType(a.Key, b.Key) && sameType(a.Value, b.Value)
}

// sameType compares types by what they look like in memory and are called.
func sameType(a, b *types.Type) bool {
	switch {
	case a == nil || b == nil:
		return a == b
	case a.Kind != b.Kind || a.Size != b.Size || a.Signed != b.Signed || a.Len != b.Len:
		return false
	case a.Kind == types.Array:
		return sameType(a.Elem, b.Elem)
	case a.Kind == types.StructKind:
		return slices.EqualFunc(a.Struct.Fields, b.Struct.Fields, func(x, y types.Field) bool {
			return x.Name == y.Name && x.Offset == y.Offset && x.Bits == y.Bits && x.Shift == y.Shift && sameType(x.Type, y.Type)
		})
	}
	return true
}

// move makes an attachment one of the new object's program of that name; it
// says what there is to say.
func (l *link) move(from, to *host) (string, error) {
	p := to.coll.Program(l.program)
	if p == nil {
		return "", fmt.Errorf("there is no program %s any more", l.program)
	}
	err := l.Attachment.Replace(p)
	if err == nil {
		l.Attachment.Take(to.coll)
		to.links = append(to.links, l)
		return "", nil
	}
	if load.Replaceable(err) {
		return "", err
	}
	a, err := to.coll.AttachProgram(l.program, l.target, l.targets)
	if err != nil {
		return "", err
	}
	l.Attachment.Close()
	l.Attachment = a
	to.links = append(to.links, l)
	return "", nil
}
