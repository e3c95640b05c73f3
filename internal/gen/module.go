package gen

import (
	"math/big"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Module is what bindings say of an object.
type Module struct {
	Name    string // an identifier: flow_stats
	Source  string // name of the source, for the first line
	Object  string // file name of the object, beside the bindings
	Package string // Go's and Lisp's
	Stem    string // what Go's names begin with; a capital letter exports them

	Structs  []*types.Struct // each behind those that it holds
	Enums    []*types.Enum
	Consts   []Const
	Sections []Section
	Maps     []*lang.Map
	Programs []*lang.Program
	Globals  []*lang.Global // those of Sections, in the source's order
	special  bool           // only package load reads the object
}

// A Const is an integer that the source gives a name.
type Const struct {
	Name   string // in objects
	Lisp   string // as written
	Value  *big.Int
	Doc    string
	Global bool // of a variable: user space may give another before loading
}

// A Section holds variables, as the struct of its name has them.
type Section struct {
	Name string // ".data"
	Size int    // in the object, which has no padding at the end
	Type *types.Struct
}

// Options of a module; what is empty follows from the source.
type Options struct{ Name, Source, Object, Package, Stem string }

// New gathers what bindings say of a compiled source.
func New(r *compile.Result, o Options) *Module {
	u := r.Unit
	m := &Module{Name: o.Name, Source: o.Source, Object: o.Object, Package: o.Package, Stem: o.Stem, Enums: u.Enums, Maps: u.Maps,
		Programs: u.Programs, special: len(u.Ops)+len(u.Ksyms) > 0}
	m.structs(u)
	m.globals(u)
	m.consts(u)
	return m
}

// structs lists the declared structs, and before them the kernel's objects
// that they hold.
func (m *Module) structs(u *lang.Unit) {
	seen := map[*types.Struct]bool{}
	var add func(t *types.Type)
	add = func(t *types.Type) {
		switch {
		case t.Kind == types.Array:
			add(t.Elem)
		case t.Kind == types.StructKind && !seen[t.Struct]:
			seen[t.Struct] = true
			for _, f := range t.Struct.Fields {
				add(f.Type)
			}
			m.Structs = append(m.Structs, t.Struct)
		}
	}
	for _, s := range u.Structs {
		add(s.Type())
	}
}

// globals lays out the sections of variables as package obj does.
func (m *Module) globals(u *lang.Unit) {
	for _, name := range []string{".rodata", ".data", ".bss"} {
		s := Section{Name: name, Type: &types.Struct{Name: m.Name + "-" + name[1:], C: m.Name + "_" + name[1:], Align: 1}}
		shown := false
		for _, g := range u.Globals {
			if g.Section() != name {
				continue
			}
			a := g.Type.Align()
			s.Size = (s.Size + a - 1) / a * a
			if !g.Hidden {
				shown = true
				s.Type.Align = max(s.Type.Align, a)
				s.Type.Fields = append(s.Type.Fields, types.Field{Name: g.Name, C: g.C, Type: g.Type, Offset: s.Size, Doc: g.Doc})
			}
			s.Size += g.Type.Size
		}
		a := s.Type.Align
		if s.Type.Size = (s.Size + a - 1) / a * a; shown {
			m.Sections = append(m.Sections, s)
		}
	}
	for _, g := range u.Globals {
		if !g.Hidden {
			m.Globals = append(m.Globals, g)
		}
	}
}

// consts gathers the integers among the defconstants, and the constant
// variables.
func (m *Module) consts(u *lang.Unit) {
	for _, sym := range u.Lisp.Constants() {
		v, _ := u.Lisp.Global(sym)
		c := Const{Name: abi.ObjectName(sym.Name), Lisp: sym.Display(), Doc: u.Lisp.Doc(sym, "variable")}
		switch n := v.(type) {
		case int64:
			c.Value = big.NewInt(n)
		case *big.Int:
			c.Value = n
		}
		if c.Value != nil && c.Value.BitLen() <= 64 && (c.Value.Sign() >= 0 || c.Value.IsInt64()) {
			m.Consts = append(m.Consts, c)
		}
	}
	for i, g := range append(u.Folded[:len(u.Folded):len(u.Folded)], m.Globals...) {
		if n, ok := g.Integer(); ok {
			c := Const{Name: g.C, Lisp: g.Name, Value: big.NewInt(n), Doc: g.Doc, Global: i >= len(u.Folded)}
			if !g.Type.Signed {
				c.Value = new(big.Int).SetUint64(uint64(n))
			}
			m.Consts = append(m.Consts, c)
		}
	}
}
