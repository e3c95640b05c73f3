package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Ksym is a variable of the kernel.
type Ksym struct {
	Name string // as written
	C    string
	Type *types.Type // nil: only its address is of use
	ID   btf.ID      // of a per-CPU variable in the kernel's BTF, 0 for others
	Weak bool
	Pos  source.Pos
}

// percpuSection is where the kernel's BTF has its per-CPU variables
// (PERCPU_SECTION of kernel/bpf/btf.c).
const percpuSection = ".data..percpu"

// declareKsym is (defksym name [type] [:weak t]).
func declareKsym(c *compiler, d *decl) sexp.Value {
	sym := d.name("variable of the kernel")
	k := &Ksym{Name: sym.Display(), C: cName(sym), Pos: d.at(0)}
	rest := d.form.Cdr.(*sexp.Cons).Cdr
	if x, ok := rest.(*sexp.Cons); ok {
		if s, isSym := x.Car.(*sexp.Symbol); !isSym || !s.Keyword {
			at := x.At.Or(d.pos)
			switch {
			case isSym && s.Name == "VOID":
			case isSym && c.imports[s.Name] != nil:
				k.Type = kernelStruct(c.imports[s.Name].c)
			default:
				if k.Type = d.typeOf(x.Car, at); k.Type.Kind != types.Int {
					panic(source.Errorf(at, "a variable of the kernel is a number or one of its structs, and `%v` is neither", k.Type).
						WithExpected("u8 to u64, i8 to i64, void, or a struct of import-kernel-struct").WithCode("bad-ksym"))
				}
			}
			rest = x.Cdr
		}
	}
	if rest != sexp.Value(sexp.Nil) {
		if o, ok := d.options(rest, ":weak")["WEAK"]; ok {
			k.Weak = o.value != sexp.Value(sexp.Nil)
		}
	}
	if old := c.ksyms[sym.Name]; old != nil {
		panic(source.Errorf(k.Pos, "the variable `%s` of the kernel is declared twice", k.Name).WithNote(old.Pos, "it is declared here first").WithCode("duplicate"))
	}
	if old, taken := c.names[k.C]; taken {
		panic(source.Errorf(k.Pos, "the variable `%s` of the kernel and the %s `%s` have the same name `%s` in the object", k.Name, old.what, strings.ToLower(old.name), k.C).
			WithNote(old.pos, "the %s is declared here", old.what).WithHint("rename the %s", old.what).WithCode("duplicate"))
	}
	c.names[k.C] = named{"variable of the kernel", sym.Name, k.Pos}
	c.ksyms[sym.Name] = k
	return sym
}

// perCPU finds k among the per-CPU variables of the kernel's BTF.
func (l *lowerer) perCPU(k *Ksym, form sexp.Value, at source.Pos) {
	t := l.btf()
	for _, id := range t.Find(k.C, btf.Var) {
		if t.Name(id) == k.C && t.InSection(id, percpuSection) {
			k.ID = id
			l.c.useKsym(k)
			return
		}
	}
	e := l.failAt(at, form, "the kernel's BTF has no per-CPU variable `%s`", k.C).WithNote(k.Pos, "`%s` is declared here", k.Name).WithCode("unknown-ksym")
	var names []string
	for _, n := range t.Names(btf.Var) {
		names = append(names, strings.ReplaceAll(n, "_", "-"))
	}
	if m := didYouMean(strings.ReplaceAll(k.C, "_", "-"), names); m != "" {
		e.DidYouMean(m)
	} else {
		e.WithHint("a variable that is not per CPU is read by its name: (defksym %s u64)", strings.ToLower(k.Name))
	}
	panic(e)
}

func (c *compiler) useKsym(k *Ksym) {
	if c.unit.Ksyms == nil {
		c.unit.Ksyms = map[string]*Ksym{}
	}
	c.unit.Ksyms[k.C] = k
}

// ksymAddr is the address of k, 0 for a weak one that the kernel lacks.
func (l *lowerer) ksymAddr(k *Ksym) *ir.Value {
	l.c.useKsym(k)
	v := l.add(ir.OpKsym, l.pos)
	v.Sym = k.C
	return v
}

// readKsym is a kernel variable's name as a form.
func (l *lowerer) readKsym(k *Ksym) val {
	addr := l.ksymAddr(k)
	switch {
	case k.Type == nil:
		return val{addr, types.U64}
	case k.Type.Kind == types.StructKind:
		return val{addr, kernelPtr(k.Type, true)}
	}
	return l.readNumber(val{addr, kernelPtr(k.Type, true)}, k.Type)
}

// ksymArg is the kernel variable that argument i names.
func (c *call) ksymArg(i int) *Ksym {
	s, ok := c.args[i].(*sexp.Symbol)
	if ok {
		if k := c.l.c.ksyms[s.Name]; k != nil {
			return k
		}
	}
	e := c.l.failAt(c.at(i), c.args[i], "argument %d of `%s` must be the name of a variable of the kernel", i+1, c.head.Display()).
		WithExpected("one declared with defksym").WithCode("unknown-ksym")
	if ok {
		var names []string
		for n := range c.l.c.ksyms {
			names = append(names, n)
		}
		if m := didYouMean(s.Name, names); m != "" {
			e.DidYouMean(m)
		}
	}
	panic(e)
}

// cpuPtr is (this-cpu-ptr name) or (per-cpu-ptr name cpu): a pointer to a
// CPU's part of a per-CPU variable, of the type that the kernel's BTF has.
func (l *lowerer) cpuPtr(c *call, h *abi.Helper) val {
	l.mayCall(h, c.head)
	k := c.ksymArg(0)
	l.perCPU(k, c.args[0], c.at(0))
	addr := l.ksymAddr(k)
	addr.Type = ir.PtrKernel
	args := []*ir.Value{addr}
	if len(c.args) == 2 {
		args = append(args, c.int(1).v)
	}
	v := l.callHelper(h.Name, args...)
	t := l.btf()
	var typ *types.Type
	switch id := t.Strip(t.Ref(k.ID)); t.Kind(id) {
	case btf.Struct, btf.Union:
		typ = kernelPtr(kernelStruct(t.Name(id)), false)
	default:
		typ = types.PtrTo(scalarOf(t, id), types.PtrMem)
	}
	typ.Null, typ.From = h.Result.Nullable(), h.Name
	v.Type = typ.Space
	return val{v, typ}
}

// lowerKsymExists is (ksym-exists name).
func lowerKsymExists(l *lowerer, c *call) val {
	k := c.ksymArg(0)
	if !k.Weak {
		panic(l.failAt(c.at(0), c.args[0], "the object does not load where the kernel has no `%s`", k.Name).
			WithExpected(":weak t in its declaration").WithNote(k.Pos, "`%s` is declared here", k.Name).WithCode("bad-ksym"))
	}
	ne := l.add(ir.OpNe, l.pos, l.ksymAddr(k), l.constant(0, l.pos))
	return val{ne, types.U64}
}
