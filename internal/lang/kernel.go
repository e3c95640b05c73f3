package lang

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

const btfHint = "give --btf FILE, or compile where /sys/kernel/btf/vmlinux can be read (a kernel with CONFIG_DEBUG_INFO_BTF)"

// btf gives the kernel's types, which are read when something first asks.
// fail makes the error at the form that does.
func (c *compiler) btf(fail func(format string, args ...any) *source.Error) *btf.Types {
	if c.unit.Kernel != nil {
		return c.unit.Kernel
	}
	if c.opt.Kernel == nil {
		panic(fail("the types of the kernel are not known here").WithHint(btfHint).WithCode("no-btf"))
	}
	blob, err := c.opt.Kernel.BTF()
	if err != nil {
		panic(fail("the types of the kernel cannot be read: %v", err).WithHint(btfHint).WithCode("no-btf"))
	}
	t, err := btf.Open(blob)
	if err != nil {
		panic(fail("the types of the kernel cannot be read: %v", err).WithHint(btfHint).WithCode("no-btf"))
	}
	c.unit.Kernel = t
	c.noTypes = fail("").WithHint(btfHint).WithCode("no-btf")
	return t
}

// checkTypes says if the kernel's types have turned out to be malformed, and nothing
// of what they were missed for.
func (c *compiler) checkTypes() {
	if t := c.unit.Kernel; t != nil && t.Err() != nil {
		c.noTypes.What = fmt.Sprintf("the types of the kernel cannot be read: %v", t.Err())
		c.errs = source.List{c.noTypes}
	}
}

func (l *lowerer) btf() *btf.Types {
	return l.c.btf(func(format string, args ...any) *source.Error { return l.fail(nil, format, args...) })
}

// cName is a symbol as kernel names are compared: as it is in bars, else in
// lower case with _ for -.
func cName(s *sexp.Symbol) string {
	if strings.ToUpper(s.Name) == s.Name {
		return strings.ReplaceAll(strings.ToLower(s.Name), "-", "_")
	}
	return s.Name
}

// kernelStruct is the type of a struct of the kernel, nil for one without a name.
func kernelStruct(name string) *types.Type {
	if name == "" {
		return nil
	}
	s := &types.Struct{Name: strings.ReplaceAll(name, "_", "-"), C: name, Kernel: true}
	return s.Type()
}

// kernelPtr is a pointer into kernel memory.
func kernelPtr(elem *types.Type, probe bool) *types.Type {
	t := types.PtrTo(elem, types.PtrKernel)
	t.Probe = probe
	return t
}

var structKinds = []btf.Kind{btf.Struct, btf.Union}

// findStruct finds a struct of the kernel by name; a typedef of one counts.
func findStruct(t *btf.Types, name string) (btf.ID, bool) {
	if id, ok := t.FindOne(name, structKinds...); ok {
		return id, true
	}
	for _, id := range t.Find(name, btf.Typedef) {
		if k := t.Kind(t.Strip(id)); k == btf.Struct || k == btf.Union {
			return id, true
		}
	}
	return 0, false
}

// begins reports whether struct id is, or begins with, the struct named name.
func begins(t *btf.Types, id btf.ID, name string) bool {
	for range 16 {
		id = t.Strip(id)
		if t.Name(id) == name {
			return true
		}
		fs := t.Fields(id)
		if len(fs) == 0 || fs[0].Offset != 0 {
			return false
		}
		id = fs[0].Type
	}
	return false
}

// A step of a path into kernel structs: from root, through members and
// elements, to typ. A pointer leads from one step to the next.
type kernelStep struct {
	root btf.ID
	path []int
	typ  btf.ID
	bits int
}

// member finds a member by name, in anonymous structs and unions too.
func member(t *btf.Types, id btf.ID, name string, depth int) (path []int, f btf.Field, ok bool) {
	fs := t.Fields(id)
	for pass := range 2 { // exact spelling first
		for i, f := range fs {
			if f.Name != "" && (f.Name == name || pass == 1 && strings.EqualFold(f.Name, name)) {
				return []int{i}, f, true
			}
		}
	}
	for i, f := range fs {
		if inner := t.Strip(f.Type); f.Name == "" && depth < 16 {
			if path, g, ok := member(t, inner, name, depth+1); ok {
				return append([]int{i}, path...), g, true
			}
		}
	}
	return nil, btf.Field{}, false
}

// members lists the names that member finds.
func members(t *btf.Types, id btf.ID, depth int) (names []string) {
	for _, f := range t.Fields(id) {
		if f.Name != "" {
			names = append(names, f.Name)
		} else if depth < 16 {
			names = append(names, members(t, t.Strip(f.Type), depth+1)...)
		}
	}
	return names
}

// pathNames splits real-parent->tgid and se.vruntime.
func pathNames(s *sexp.Symbol) []string {
	name := strings.ReplaceAll(strings.ReplaceAll(s.Name, "->", "."), "=>", ".")
	if strings.ToUpper(name) == name {
		name = strings.ToLower(name)
	}
	names := strings.Split(name, ".")
	for i := range names {
		if strings.ToUpper(s.Name) == s.Name {
			names[i] = strings.ReplaceAll(names[i], "-", "_")
		}
	}
	return names
}

// resolve follows names from a struct. wrong is the first name that leads
// nowhere, in the struct at.
func resolve(t *btf.Types, root btf.ID, names []string) (steps []kernelStep, wrong string, at btf.ID) {
	st := kernelStep{root: root, typ: root}
	for _, name := range names {
		id := t.Strip(st.typ)
		if t.Kind(id) == btf.Pointer {
			steps = append(steps, st)
			id = t.Unqualify(t.Ref(id))
			st = kernelStep{root: id, typ: id}
			id = t.Strip(id)
		}
		if n, ok := index(name); ok && t.Kind(id) == btf.ArrayKind {
			elem, count := t.Array(id)
			if count > 0 && n >= count {
				return nil, name, id
			}
			st.path, st.typ, st.bits = append(st.path, n), elem, 0
			continue
		}
		path, f, ok := member(t, id, name, 0)
		if !ok {
			return nil, name, id
		}
		st.path, st.typ, st.bits = append(st.path, path...), f.Type, f.Bits
	}
	return append(steps, st), "", 0
}

func index(s string) (n int, ok bool) {
	for _, r := range s {
		if r < '0' || r > '9' || n > 1<<20 {
			return 0, false
		}
		n = 10*n + int(r-'0')
	}
	return n, s != ""
}

// noField says that a struct of the kernel lacks a field.
func noField(e *source.Error, t *btf.Types, at btf.ID, name string) *source.Error {
	names := members(t, at, 0)
	what := "`" + t.C(at) + "`"
	switch k := t.Kind(at); {
	case k != btf.Struct && k != btf.Union:
		e.What = what + " is no struct: it has no field `" + name + "`"
		return e.WithCode("unknown-field")
	case len(names) == 0:
		e.What = what + " is only declared in the kernel's BTF: its fields are not known"
		return e.WithCode("unknown-field")
	}
	e.What = what + " has no field `" + name + "`"
	if m := didYouMean(name, names); m != "" {
		e.DidYouMean(m)
	} else if len(names) > 20 {
		e.WithHint("(%s type) declares a field that only other kernels have; field-exists asks for it", strings.ReplaceAll(name, "_", "-"))
	}
	if len(names) > 30 {
		names = append(names[:30], "...")
	}
	return e.WithExpected("%s", strings.Join(names, ", ")).WithCode("unknown-field")
}

// core makes a relocated number.
func (l *lowerer) core(r *btf.Core) val {
	t := l.btf()
	key := coreKey(r, t)
	if l.c.unit.Cores == nil {
		l.c.unit.Cores = map[string]*btf.Core{}
	}
	l.c.unit.Cores[key] = r
	v := l.add(opCore, l.pos)
	v.Aux, v.Core = t.Value(r), key
	return val{v, types.U64}
}

func coreKey(r *btf.Core, t *btf.Types) string { return strings.ReplaceAll(r.Key(t), " ", "/") }

// scalarOf is the scalar that a type of the kernel is, nil if it is none.
func scalarOf(t *btf.Types, id btf.ID) *types.Type {
	switch id = t.Strip(id); t.Kind(id) {
	case btf.Int, btf.Enum, btf.Enum64:
		return types.ScalarOf(t.Size(id), t.Signed(id))
	}
	return nil
}

// pointee is the type of what a pointer of the kernel's points to, as far as
// the language has it: a struct, a scalar, or nil.
func pointee(t *btf.Types, ptr btf.ID) *types.Type {
	to := t.Strip(t.Ref(t.Strip(ptr)))
	switch t.Kind(to) {
	case btf.Struct, btf.Union, btf.Fwd:
		return kernelStruct(t.Name(to))
	}
	return scalarOf(t, to)
}
