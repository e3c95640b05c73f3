package lang

import (
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// StructOps is a defstruct-ops: a variable that is a struct of the kernel's,
// and whose functions are programs.
type StructOps struct {
	Name    string // as written
	C       string // in objects
	Struct  btf.ID // in the kernel's BTF
	Members []*opsMember
	Link    bool // registered by a link
	Doc     string
	Pos     source.Pos
}

// An opsMember is a member that has a value.
type opsMember struct {
	Index   int    // among the members of the kernel's struct
	Program string // the object name of a function's program, "" for others
	Bytes   []byte // the value of the others

	of   *StructOps
	name string       // of the member in the kernel
	typ  btf.ID       // of the member
	prog *sexp.Symbol // as written
	at   source.Pos   // of the value
}

const (
	structOps = "struct-ops" // the type of the programs
	// opsPrefix begins the names of the structs that say which others are
	// structs of operations (include/linux/bpf.h).
	opsPrefix = "bpf_struct_ops_"
)

// declareStructOps is (defstruct-ops name type [:link flag] :member value...).
func declareStructOps(c *compiler, d *decl) sexp.Value {
	bad := c.badOps
	c.badOps = true
	sym := d.name("struct of operations")
	o := &StructOps{Name: sym.Display(), Pos: d.at(0), Link: c.linksOps()}
	if len(d.args) < 2 {
		panic(d.fail(nil, "the struct of operations `%s` has no type", o.Name).WithExpected("(defstruct-ops %s tcp-congestion-ops :name \"%s\" ...)", o.Name, cName(sym)).WithCode("bad-struct-ops"))
	}
	c.opsType(d, o)
	rest := d.form.Cdr.(*sexp.Cons).Cdr.(*sexp.Cons).Cdr
	if x, ok := rest.(*sexp.Cons); ok {
		if doc, isStr := x.Car.(*sexp.String); isStr {
			o.Doc, rest = doc.String(), x.Cdr
		}
	}
	seen := map[int]source.Pos{}
	for x, ok := rest.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		at := x.At.Or(d.pos)
		key, isSym := x.Car.(*sexp.Symbol)
		if !isSym || !key.Keyword {
			panic(source.Errorf(at, "%s is not the name of a member", shorten(sexp.Print(x.Car))).WithExpected(":member value").WithCode("unknown-keyword"))
		}
		value, has := x.Cdr.(*sexp.Cons)
		if !has {
			panic(source.Errorf(at, "no value follows `%s`", key.Display()).WithCode("missing-value"))
		}
		if i, f, found := o.field(c.unit.Kernel, key); found {
			if old, twice := seen[i]; twice {
				panic(source.Errorf(at, "`%s` is given twice", key.Display()).WithNote(old, "the first is here").WithCode("duplicate"))
			}
			seen[i] = at
			m := &opsMember{Index: i, of: o, name: f.Name, typ: f.Type, at: value.At.Or(at)}
			if m.set(c, d, value.Car) {
				o.Members = append(o.Members, m)
			}
		} else if key.Name == "LINK" {
			o.Link = value.Car != sexp.Value(sexp.Nil)
		} else {
			panic(o.noMember(c.unit.Kernel, key, at))
		}
		x = value
	}
	slices.SortFunc(o.Members, func(a, b *opsMember) int { return a.Index - b.Index })
	c.opsComplete(o)
	o.C = c.objectName("struct of operations", sym, o.Pos)
	c.unit.Ops = append(c.unit.Ops, o)
	c.badOps = bad
	return sym
}

// linksOps reports whether the target can register by a link.
func (c *compiler) linksOps() bool {
	return c.opt.Target == (abi.Version{}) || !c.opt.Target.Less(abi.FirstWith("flag", "BPF_F_LINK").Version)
}

// opsType finds the struct that argument 1 names.
func (c *compiler) opsType(d *decl, o *StructOps) {
	sym, ok := d.args[1].(*sexp.Symbol)
	fail := func(format string, args ...any) *source.Error {
		e := d.fail(d.args[1], format, args...)
		e.Pos = d.at(1)
		return e
	}
	t := c.btf(fail)
	if ok && !sym.Keyword {
		if id, found := opsStruct(t, cName(sym)); found {
			o.Struct = id
			return
		}
	}
	var names []string
	for _, n := range t.Names(btf.Struct) {
		if rest, has := strings.CutPrefix(n, opsPrefix); has {
			if _, found := opsStruct(t, rest); found {
				names = append(names, strings.ReplaceAll(rest, "_", "-"))
			}
		}
	}
	slices.Sort(names)
	e := fail("the kernel has no struct of operations `%s`", strings.TrimPrefix(strings.ToLower(sexp.Print(d.args[1])), ":")).
		WithExpected("%s", strings.Join(names, ", ")).WithCode("unknown-struct-ops")
	if ok {
		if m := didYouMean(sym.Name, names); m != "" {
			e.DidYouMean(m)
		} else {
			e.WithHint("kernels differ in them, and modules bring more: --btf FILE gives the types of another kernel")
		}
	}
	panic(e)
}

// opsStruct finds a struct that programs can implement: one for which the
// kernel has a struct bpf_struct_ops_NAME with it in.
func opsStruct(t *btf.Types, name string) (btf.ID, bool) {
	value, ok := t.FindOne(opsPrefix+name, btf.Struct)
	if !ok {
		return 0, false
	}
	for _, f := range t.Fields(value) {
		if id := t.Strip(f.Type); t.Kind(id) == btf.Struct && opsPrefix+t.Name(id) == t.Name(value) {
			return id, true
		}
	}
	return 0, false
}

// field finds a member by its keyword.
func (o *StructOps) field(t *btf.Types, key *sexp.Symbol) (int, btf.Field, bool) {
	path, f, ok := member(t, o.Struct, cName(key), 0)
	if len(path) != 1 {
		return 0, f, false
	}
	return path[0], f, ok
}

func (o *StructOps) noMember(t *btf.Types, key *sexp.Symbol, at source.Pos) *source.Error {
	var names []string
	for _, f := range t.Fields(o.Struct) {
		if f.Name != "" && o.settable(t, f) {
			names = append(names, ":"+strings.ReplaceAll(f.Name, "_", "-"))
		}
	}
	e := source.Errorf(at, "the struct `%s` has no member `%s`", o.dashed(t), strings.TrimPrefix(key.Display(), ":")).
		WithExpected("%s", strings.Join(names, ", ")).WithCode("unknown-field")
	if m := didYouMean(":"+key.Name, append(names, ":link")); m != "" {
		e.DidYouMean(m)
	}
	return e
}

// dashed is the name of the struct, as sources write it.
func (o *StructOps) dashed(t *btf.Types) string {
	return strings.ReplaceAll(t.Name(o.Struct), "_", "-")
}

// proto is the type of a function that a member points to.
func proto(t *btf.Types, member btf.ID) (btf.ID, bool) {
	id := t.Strip(member)
	if t.Kind(id) != btf.Pointer {
		return 0, false
	}
	id = t.Strip(t.Ref(id))
	return id, t.Kind(id) == btf.FuncProto
}

// settable reports whether a member can have a value: a function, a number, an
// array of numbers.
func (o *StructOps) settable(t *btf.Types, f btf.Field) bool {
	r := opsRuleOf(t, o)
	if _, ok := proto(t, f.Type); ok {
		return f.Name != r.without
	}
	return f.Bits == 0 && memberType(t, f.Type) != nil && r.takes(f.Name)
}

// memberType is the type of a member that is no function, nil for those that
// only the kernel sets.
func memberType(t *btf.Types, id btf.ID) *types.Type {
	if id = t.Strip(id); t.Kind(id) == btf.ArrayKind {
		elem, n := t.Array(id)
		if s := scalarOf(t, elem); s != nil && n > 0 {
			return types.ArrayOf(s, n)
		}
		return nil
	}
	return scalarOf(t, id)
}

// set gives a member its value. It is false for a function that is nil.
func (m *opsMember) set(c *compiler, d *decl, v sexp.Value) bool {
	t := c.unit.Kernel
	name := strings.ReplaceAll(m.name, "_", "-")
	if _, ok := proto(t, m.typ); ok {
		if l, proper := sexp.Slice(v); proper && len(l) == 2 { // #'name
			if head, isSym := l[0].(*sexp.Symbol); isSym && (head.Name == "FUNCTION" || head.Name == "QUOTE") {
				v = l[1]
			}
		}
		s, isSym := v.(*sexp.Symbol)
		if !isSym || s.Keyword || s == sexp.T {
			panic(source.Errorf(m.at, "the member `%s` is a function, and %s is not the name of a program", name, shorten(sexp.Print(v))).
				WithExpected("a program of type :%s", structOps).WithCode("bad-struct-ops"))
		}
		m.prog = s
		return s != sexp.Nil
	}
	typ := memberType(t, m.typ)
	if !m.of.settable(t, t.Fields(m.of.Struct)[m.Index]) {
		panic(source.Errorf(m.at, "the member `%s` (%s) is not one that can be given", name, t.C(m.typ)).WithHint("leave it out: the kernel sets it").WithCode("bad-struct-ops"))
	}
	if s, isSym := v.(*sexp.Symbol); isSym && c.progs[s.Name].Known() {
		panic(source.Errorf(m.at, "the member `%s` (%s) is no function, and `%s` is a program", name, t.C(m.typ), s.Display()).WithCode("bad-struct-ops"))
	}
	m.Bytes = make([]byte, typ.Size)
	if typ.Kind == types.Int {
		n := d.flags(v, m.at)
		initialise(m.Bytes, typ, n, m.at)
		return true
	}
	x, err := c.in.Eval(v, d.env)
	if err != nil {
		for _, e := range source.AsList(err) {
			e.Pos = e.Pos.Or(m.at)
			panic(e)
		}
	}
	if s, isStr := x.(*sexp.String); isStr && typ.Elem.Size == 1 {
		opsRuleOf(t, m.of).checkText(m, s.String(), typ.Len)
	}
	initialise(m.Bytes, typ, x, m.at)
	return true
}

// resolveOps finds the programs of all members, which may be declared later
// than these, and tells the programs what they are.
func (c *compiler) resolveOps() {
	for _, o := range c.unit.Ops {
		for _, m := range o.Members {
			if m.prog == nil {
				continue
			}
			if err := m.resolve(c); err != nil {
				c.errs = append(c.errs, err)
			}
		}
	}
	for _, p := range c.unit.Programs {
		if p.Type.Keyword == structOps && p.member == nil && !c.badOps && len(c.errs.Errors()) == 0 {
			e := source.Errorf(p.Pos, "no defstruct-ops names the program `%s`, and the kernel loads it as a member of one only", p.Name).WithCode("unused-member").
				WithHint("(defstruct-ops name tcp-congestion-ops :member %s ...) makes it one", p.Name)
			c.errs = append(c.errs, e)
		}
	}
}

func (m *opsMember) resolve(c *compiler) *source.Error {
	var names []string
	for _, p := range c.unit.Programs {
		if p.Type.Keyword == structOps {
			names = append(names, p.Name)
		}
		if c.progs[m.prog.Name] != p.Pos {
			continue
		}
		switch old := p.member; {
		case p.Type.Keyword != structOps:
			return source.Errorf(m.at, "the program `%s` is of type :%s", p.Name, p.Type.Keyword).WithExpected("a program of type :%s", structOps).
				WithNote(p.Pos, "`%s` is declared here", p.Name).WithCode("bad-struct-ops")
		case old != nil && (old.of.Struct != m.of.Struct || old.Index != m.Index):
			return source.Errorf(m.at, "the program `%s` is the member `%s` already", p.Name, strings.ReplaceAll(old.name, "_", "-")).
				WithExpected("a program for one member").WithNote(old.at, "it is named here first").
				WithHint("put what two programs share into a defsubprog").WithCode("bad-struct-ops")
		}
		if !gplCompatible[p.License] { // check_struct_ops_btf_id of kernel/bpf/verifier.c
			return source.Errorf(p.Pos, "a :%s program needs a GPL-compatible licence, and `%s` has %q", structOps, p.Name, p.License).
				WithExpected(":license \"GPL\" or \"Dual MIT/GPL\"").WithCode("helper-license")
		}
		p.member, m.Program = m, p.C
		return nil
	}
	e := source.Errorf(m.at, "unknown program `%s`", m.prog.Display()).WithExpected("a program of type :%s", structOps).WithCode("unknown-program")
	if n := didYouMean(m.prog.Name, names); n != "" {
		e.DidYouMean(n)
	}
	return e
}
