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

// A Kfunc is a function of the kernel that a program calls.
type Kfunc struct {
	C     string
	ID    btf.ID // of the function in the kernel's BTF
	Flags abi.KfuncFlags
	// Rules is what the flow analysis must know, in the manner of a helper.
	Rules *abi.Helper
}

var kfuncFlagNames = map[string]abi.KfuncFlags{"ACQUIRE": abi.KfuncAcquire, "RELEASE": abi.KfuncRelease, "RET-NULL": abi.KfuncRetNull,
	"SLEEPABLE": abi.KfuncSleepable, "TRUSTED-ARGS": abi.KfuncTrustedArgs, "RCU": abi.KfuncRCU, "DESTRUCTIVE": abi.KfuncDestructive}

// declareKfunc is (defkfunc name flag...).
func declareKfunc(c *compiler, d *decl) sexp.Value {
	sym := d.name("kernel function")
	fail := func(format string, args ...any) *source.Error {
		e := d.fail(sym, format, args...)
		e.Pos = d.at(0)
		return e
	}
	name := cName(sym)
	t := c.btf(fail)
	id, ok := kfuncNamed(t, name)
	if !ok {
		panic(noKfunc(fail(""), t, name))
	}
	k := c.kfunc(t, id)
	for i := 1; i < len(d.args); i++ {
		s, isSym := d.args[i].(*sexp.Symbol)
		f, known := abi.KfuncFlags(0), false
		if isSym && s.Keyword {
			f, known = kfuncFlagNames[s.Name]
		}
		if !known {
			e := d.fail(d.args[i], "unknown flag `%s` of a kernel function", sexp.Print(d.args[i])).
				WithExpected(":acquire, :release, :ret-null, :sleepable, :trusted-args, :rcu, :destructive").WithCode("unknown-keyword")
			e.Pos = d.at(i)
			panic(e)
		}
		k.Flags |= f
	}
	k.rule(t)
	c.kfuncs[sym.Name] = k
	return sym
}

func noKfunc(e *source.Error, t *btf.Types, name string) *source.Error {
	e.What = "the kernel has no function `" + name + "` that programs may call"
	var names []string
	for _, n := range abi.KfuncNames() {
		if ids := t.Find(n, btf.Func); len(ids) > 0 {
			names = append(names, n)
		}
	}
	if m := didYouMean(name, names); m != "" {
		e.DidYouMean(strings.ReplaceAll(m, "_", "-"))
	} else {
		e.WithHint("kernels differ in their kfuncs: is this one newer than the kernel whose types are used (--btf), or part of a module?")
	}
	return e.WithCode("unknown-kfunc")
}

// kfuncNamed finds a kfunc in the kernel's types: a function that is tagged
// as one, or that the kernel's sources list.
func kfuncNamed(t *btf.Types, name string) (btf.ID, bool) {
	for _, id := range t.Find(name, btf.Func) {
		if t.Name(id) == name && (abi.KfuncByName(name) != nil || t.Tagged(id, "bpf_kfunc")) {
			return id, true
		}
	}
	return 0, false
}

func (c *compiler) kfunc(t *btf.Types, id btf.ID) *Kfunc {
	k := &Kfunc{C: t.Name(id), ID: id}
	if row := abi.KfuncByName(k.C); row != nil {
		k.Flags = row.Flags
	}
	return k
}

// findKfunc finds the kfunc that a form's head names, nil if there is none.
func (c *compiler) findKfunc(l *lowerer, name string) *Kfunc {
	if k := c.kfuncs[name]; k != nil {
		return k
	}
	cn := strings.ReplaceAll(strings.ToLower(name), "-", "_")
	listed := abi.KfuncByName(cn) != nil
	if !listed && (!strings.HasPrefix(cn, "bpf_") || c.opt.Kernel == nil) {
		return nil
	}
	t := l.btf()
	id, ok := kfuncNamed(t, cn)
	if !ok {
		if listed {
			panic(noKfunc(l.fail(nil, ""), t, cn))
		}
		return nil
	}
	k := c.kfunc(t, id)
	k.rule(t)
	c.kfuncs[name] = k
	return k
}

// implicit reports whether the verifier, and not the program, gives a
// parameter: the suffixes are those of Documentation/bpf/kfuncs.rst.
func implicit(p btf.Param) bool {
	return strings.HasSuffix(p.Name, "__ign") || strings.HasSuffix(p.Name, "__prog") || strings.HasSuffix(p.Name, "__aux")
}

func nullable(p btf.Param) bool {
	return strings.HasSuffix(p.Name, "__opt") || strings.HasSuffix(p.Name, "__nullable")
}

func (k *Kfunc) params(t *btf.Types) []btf.Param { return t.Params(t.Ref(k.ID)) }

// rule describes k to the flow analysis.
func (k *Kfunc) rule(t *btf.Types) {
	h := &abi.Helper{Name: strings.ReplaceAll(k.C, "_", "-"), C: k.C, Result: abi.ResultInt,
		Acquires: k.Flags&abi.KfuncAcquire != 0, Releases: k.Flags&abi.KfuncRelease != 0, Sleeps: k.Flags&abi.KfuncSleepable != 0}
	for _, p := range k.params(t) {
		kind := abi.ArgScalar
		if id := t.Strip(p.Type); t.Kind(id) == btf.Pointer {
			switch elem := pointee(t, id); {
			case elem != nil && elem.Kind == types.StructKind && elem.Struct.C == types.Dynptr.C && strings.HasSuffix(p.Name, "__uninit"):
				kind = abi.ArgDynptrOut
			case elem != nil && elem.Kind == types.StructKind && elem.Struct.C == types.Dynptr.C:
				kind = abi.ArgDynptr
			case nullable(p):
				kind = abi.ArgVariadic
			case elem != nil && elem.Kind == types.StructKind && k.Flags&(abi.KfuncTrustedArgs|abi.KfuncRelease|abi.KfuncRCU) != 0:
				kind = abi.ArgFixedIn // not null
			default:
				kind = abi.ArgFixedInOut
			}
		}
		h.Args = append(h.Args, kind)
	}
	if r := t.Strip(t.Ref(t.Ref(k.ID))); t.Kind(r) == btf.Pointer {
		h.Result = abi.ResultPtr
		if k.Flags&abi.KfuncRetNull != 0 {
			h.Result = abi.ResultPtrOrNull
		}
	}
	k.Rules = h
}

// callKfunc lowers a call of a kernel function.
func (l *lowerer) callKfunc(c *call, k *Kfunc) val {
	t := l.btf()
	params := k.params(t)
	var names []string
	for _, p := range params {
		if !implicit(p) {
			names = append(names, strings.ReplaceAll(p.Name, "_", "-"))
		}
	}
	if len(c.args) != len(names) {
		panic(l.arity(c.head.Display(), strings.Join(names, " "), len(c.args)))
	}
	if !gplCompatible[l.prog.License] {
		panic(l.fail(c.head, "the kernel function `%s` needs a GPL-compatible licence, and `%s` has %q", c.head.Display(), l.prog.Name, l.prog.License).
			WithExpected(":license \"GPL\" or \"Dual MIT/GPL\"").WithCode("helper-license"))
	}
	if k.Flags&abi.KfuncSleepable != 0 && !l.prog.Sleepable {
		panic(l.fail(c.head, "`%s` may sleep, and `%s` may not", c.head.Display(), l.prog.Name).
			WithExpected("a program in a section that ends in .s, such as fentry.s").WithCode("not-sleepable"))
	}
	var args []*ir.Value
	i := 0
	for _, p := range params {
		if implicit(p) {
			args = append(args, l.constant(0, l.pos))
			continue
		}
		args = append(args, l.kfuncArg(c, i, p))
		i++
	}
	v := l.add(ir.OpCallKfunc, l.pos, args...)
	v.Sym = k.C
	if l.c.unit.Kfuncs == nil {
		l.c.unit.Kfuncs = map[string]*Kfunc{}
	}
	l.c.unit.Kfuncs[k.C] = k
	result := t.Strip(t.Ref(t.Ref(k.ID)))
	switch t.Kind(result) {
	case btf.Void:
		return l.literal(0)
	case btf.Pointer:
		elem := pointee(t, result)
		typ := kernelPtr(elem, false)
		if elem == nil || elem.Kind != types.StructKind {
			typ = types.PtrTo(elem, types.PtrMem)
		}
		typ.Null, typ.From = k.Flags&abi.KfuncRetNull != 0, c.head.Display()
		v.Type = typ.Space
		return val{v, typ}
	}
	typ := scalarOf(t, result)
	if typ == nil {
		panic(l.fail(c.head, "`%s` returns %s, which no program can take", c.head.Display(), t.C(result)).WithCode("not-scalar"))
	}
	return val{l.truncate(val{v, types.U64}, typ), typ}
}

func (l *lowerer) kfuncArg(c *call, i int, p btf.Param) *ir.Value {
	t := l.btf()
	id := t.Strip(p.Type)
	if strings.HasSuffix(p.Name, "__map") {
		return l.mapAddr(c.mapArg(i))
	}
	v := c.arg(i)
	if v.t.Kind == types.Never {
		return v.v
	}
	if t.Kind(id) != btf.Pointer {
		if v.t.IsPtr() {
			panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must be a number, and this is a %v", i+1, c.head.Display(), p.Name, v.t).WithCode("helper-argument"))
		}
		return v.v
	}
	elem := pointee(t, id)
	switch {
	case isZero(v.v) && !v.t.IsPtr():
		if !nullable(p) {
			panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must not be null", i+1, c.head.Display(), p.Name).WithExpected("a pointer").WithCode("helper-argument"))
		}
	case !v.t.IsPtr():
		panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must be a pointer, and this is a number", i+1, c.head.Display(), p.Name).
			WithExpected("%s", t.C(p.Type)).WithCode("helper-argument"))
	case elem != nil && elem.Kind == types.StructKind && elem.Struct.C == types.Dynptr.C:
		l.takesObject(c, i, abi.ArgDynptr, v)
	case v.t.Space == types.PtrKernel && elem != nil && elem.Kind == types.StructKind:
		if v.t.Probe {
			panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must be a pointer that the verifier knows, and this one came through a read", i+1, c.head.Display(), p.Name).
				WithExpected("an argument of the program, or the result of a helper or kernel function").WithCode("untrusted-pointer"))
		}
		if e := v.t.Elem; e != nil && e.Kind == types.StructKind && !l.kernelHas(e.Struct, elem.Struct.C) {
			panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must point to `%s`, and this points to `%s`", i+1, c.head.Display(), p.Name, elem.Struct.Name, e.Struct.Name).WithCode("wrong-struct"))
		}
		if !nullable(p) {
			l.present(v)
		}
	default:
		l.present(v)
	}
	return v.v
}
