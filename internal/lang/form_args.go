package lang

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// An argument is one of what a program is given, from the type of the kernel
// function, tracepoint, hook or iterator that it stands at.
type argument struct {
	name string
	typ  btf.ID
	slot int // which u64 of the context, or which register
	null bool
	as   string // the struct that the verifier takes it to point to, where that is another
}

// A signature is all that a program is given.
type signature struct {
	args    []argument
	result  btf.ID // of the function; void where there is none
	slot    int    // where the result is
	returns bool   // the program sees the result
	regs    bool   // the context is the registers
	probe   bool   // pointers are numbers to the verifier
	what    string // "function tcp_sendmsg", for messages
}

// An argSource says where the arguments of a program type come from: a row
// of the table.
type argSource struct {
	keyword string
	prefix  string   // of the name in BTF
	kind    btf.Kind // of what has it
	skip    int      // parameters that the program does not see
	returns bool
	regs    bool
	probe   bool
	null    int // from which argument on pointers may be null; -1: none
	what    string
	args    bool // the program sees the arguments
}

var argSources = []argSource{
	{keyword: "fentry", kind: btf.Func, null: -1, what: "function", args: true},
	{keyword: "fexit", kind: btf.Func, null: -1, returns: true, what: "function", args: true},
	{keyword: "fsession", kind: btf.Func, null: -1, returns: true, what: "function", args: true},
	{keyword: "fmod-ret", kind: btf.Func, null: -1, returns: true, what: "function", args: true},
	{keyword: "lsm", prefix: "bpf_lsm_", kind: btf.Func, null: -1, returns: true, what: "hook", args: true},
	{keyword: "lsm-cgroup", prefix: "bpf_lsm_", kind: btf.Func, null: -1, returns: true, what: "hook", args: true},
	{keyword: "tp-btf", prefix: "btf_trace_", kind: btf.Typedef, skip: 1, null: -1, what: "tracepoint", args: true},
	{keyword: "raw-tracepoint", prefix: "btf_trace_", kind: btf.Typedef, skip: 1, null: -1, probe: true, what: "tracepoint", args: true},
	{keyword: "raw-tracepoint-writable", prefix: "btf_trace_", kind: btf.Typedef, skip: 1, null: -1, probe: true, what: "tracepoint", args: true},
	{keyword: "iter", prefix: "bpf_iter_", kind: btf.Func, null: 1, what: "iterator", args: true},
	{keyword: "kprobe", kind: btf.Func, null: -1, regs: true, probe: true, what: "function", args: true},
	{keyword: "kretprobe", kind: btf.Func, null: -1, regs: true, probe: true, returns: true, what: "function"},
}

// signatureOf finds what the program is given. It is an error where its
// type has no named arguments, its section no target, or the kernel no such
// target.
func (l *lowerer) signatureOf() *signature {
	p := l.prog
	if p.signature != nil {
		return p.signature
	}
	if p.member != nil {
		p.signature = p.member.signature(l.btf())
		return p.signature
	}
	var src *argSource
	for i := range argSources {
		if argSources[i].keyword == p.Type.Keyword {
			src = &argSources[i]
		}
	}
	if src == nil {
		var all []string
		for _, s := range argSources {
			all = append(all, s.keyword)
		}
		all = append(all, structOps)
		panic(l.fail(nil, "a %s program has no named arguments", p.Type.Keyword).WithExpected("a program of type %s", strings.Join(all, ", ")).WithCode("no-arguments"))
	}
	target, _, _ := strings.Cut(abi.SectionTarget(p.Section), "+")
	if target == "" {
		panic(l.fail(nil, "the section %q does not say which %s the program stands at", p.Section, src.what).
			WithExpected(":section \"%s/NAME\"", p.Type.Section).WithCode("no-target"))
	}
	t := l.btf()
	named := t.Named(target, src.kind)
	if src.prefix != "" { // one walk over the types for all programs of the kind
		named = t.Prefixed(src.prefix, target, src.kind)
	}
	id := btf.ID(0)
	for id = range named {
		break
	}
	if id == 0 {
		e := source.Errorf(p.sectionPos.Or(p.Pos), "the kernel has no %s `%s`", src.what, target).WithCode("unknown-target")
		var names []string
		for _, n := range t.Names(src.kind) {
			if rest, ok := strings.CutPrefix(n, src.prefix); ok {
				names = append(names, rest)
			}
		}
		if m := didYouMean(target, names); m != "" {
			e.DidYouMean(m)
		} else {
			e.WithHint("a function that the kernel's BTF does not have may be inlined, or part of a module")
		}
		panic(e)
	}
	if src.kind == btf.Typedef {
		id = t.Strip(id) // pointer to function
	}
	proto := t.Ref(id)
	sig := &signature{result: t.Ref(proto), returns: src.returns, regs: src.regs, probe: src.probe, what: src.what + " `" + target + "`"}
	params := t.Params(proto)
	if src.kind == btf.Typedef {
		params = traceNames(t, target, params)
	}
	slot := 0
	for i, q := range params {
		if q.Type == 0 && q.Name == "" { // ...
			break
		}
		if i >= src.skip && src.args {
			sig.args = append(sig.args, argument{name: q.Name, typ: q.Type, slot: slot, null: src.null >= 0 && i >= src.null})
		}
		if i >= src.skip {
			slot += max(1, (t.Size(q.Type)+7)/8)
		}
	}
	sig.slot = slot
	p.signature = sig
	return sig
}

// traceNames gives the parameters of a tracepoint their names. The type that
// the verifier goes by may have none; functions that the kernel makes for
// each tracepoint (DECLARE_TRACE of <linux/tracepoint.h>) have them.
func traceNames(t *btf.Types, target string, params []btf.Param) []btf.Param {
	named := func(ps []btf.Param) bool {
		for _, p := range ps {
			if p.Name == "" {
				return false
			}
		}
		return len(ps) == len(params)
	}
	if named(params) {
		return params
	}
	for _, prefix := range []string{"__traceiter_", "__bpf_trace_", "__probestub_"} {
		for id := range t.Prefixed(prefix, target, btf.Func) {
			if ps := t.Params(t.Ref(id)); named(ps) {
				return ps
			}
		}
	}
	out := append([]btf.Param(nil), params...)
	for i := range out {
		if out[i].Name == "" {
			out[i].Name = fmt.Sprintf("arg%d", i-1)
		}
	}
	return out
}

func (s *signature) names() (names []string) {
	for _, a := range s.args {
		names = append(names, strings.ReplaceAll(a.name, "_", "-"))
	}
	return names
}

// argNamed is the argument with a name.
func (l *lowerer) argNamed(name *sexp.Symbol, at source.Pos) argument {
	sig := l.signatureOf()
	want := cName(name)
	for _, a := range sig.args {
		if a.name == want {
			return a
		}
	}
	for _, a := range sig.args {
		if strings.EqualFold(a.name, want) {
			return a
		}
	}
	e := l.failAt(at, name, "the %s has no argument `%s`", sig.what, name.Display()).WithCode("unknown-argument")
	names := sig.names()
	switch {
	case !sig.returns && len(names) == 0 || sig.regs && sig.returns:
		e.WithHint("it has none; a program that runs at the return has (retval)")
	case len(names) == 0:
		e.WithHint("it has none")
	default:
		e.WithExpected("%s", strings.Join(names, ", "))
		if m := didYouMean(want, names); m != "" {
			e.DidYouMean(m)
		}
	}
	panic(e)
}

// lowerArg is (arg name).
func lowerArg(l *lowerer, c *call) val {
	name, ok := c.args[0].(*sexp.Symbol)
	if !ok {
		panic(l.failAt(c.at(0), c.args[0], "`arg` wants the name of an argument").WithExpected("%s", strings.Join(l.signatureOf().names(), ", ")).WithCode("unknown-argument"))
	}
	a := l.argNamed(name, c.at(0))
	return l.argument(a, name.Display())
}

// lowerRetval is (retval): what the function returned.
func lowerRetval(l *lowerer, c *call) val {
	sig := l.signatureOf()
	if !sig.returns {
		panic(l.fail(nil, "a %s program runs before the function returns", l.prog.Type.Keyword).WithExpected("a program of type fexit, fmod-ret, lsm or kretprobe").WithCode("no-result"))
	}
	if sig.result == 0 {
		panic(l.fail(nil, "the %s returns nothing", sig.what).WithCode("no-result"))
	}
	return l.argument(argument{name: "its result", typ: sig.result, slot: sig.slot}, "retval")
}

func (l *lowerer) argument(a argument, name string) val {
	l.usesContext()
	sig, t := l.signatureOf(), l.btf()
	id := t.Strip(a.typ)
	var typ *types.Type
	switch t.Kind(id) {
	case btf.Pointer:
		elem := pointee(t, id)
		if a.as != "" {
			elem = kernelStruct(a.as)
		}
		typ = kernelPtr(elem, sig.probe || elem == nil || elem.Kind != types.StructKind)
		typ.Null, typ.From = a.null, name
		if a.null && elem == nil { // a key or value that an iterator shows
			typ = types.PtrTo(nil, types.PtrMem)
			typ.Null, typ.From = true, name
		}
	default:
		if typ = scalarOf(t, id); typ == nil {
			panic(l.fail(nil, "the argument `%s` has the type %s, which is no number", name, t.C(a.typ)).WithHint("(ctx u64 %d) is its first 8 bytes", 8*a.slot).WithCode("not-scalar"))
		}
	}
	off := int64(8 * a.slot)
	if sig.regs {
		what := fmt.Sprintf("parm%d", a.slot+1)
		if sig.returns {
			what = "ret"
		}
		n, ok := abi.PtRegs(l.c.opt.Arch, what)
		if !ok {
			panic(l.fail(nil, "the argument `%s` is not in a register on %s", name, l.c.opt.Arch).WithHint("a fentry program sees all arguments").WithCode("target-arch"))
		}
		off = int64(n)
	}
	v := l.ctxLoad(off, 8, false, nil)
	if !typ.IsPtr() {
		return val{l.truncate(v, typ), typ}
	}
	if !typ.Probe {
		v.v.Type = typ.Space
		if typ.Null {
			v.v.Sym = ir.MayBeNull
		}
	}
	return val{v.v, typ}
}

// argBindings is the body with the names of :args bound around it.
func (c *compiler) argBindings(o option, body sexp.Value) sexp.Value {
	names, ok := sexp.Slice(o.value)
	if !ok {
		panic(source.Errorf(o.at, ":args must be a list of names").WithExpected(":args (sk msg)").WithCode("bad-program"))
	}
	arg, let, declare, ignorable := c.table.Intern("ARG"), c.table.Intern("LET*"), c.table.Intern("DECLARE"), c.table.Intern("IGNORABLE")
	var bindings, bound []sexp.Value
	cell, _ := o.value.(*sexp.Cons)
	for _, x := range names {
		at := cell.At
		cell, _ = cell.Cdr.(*sexp.Cons)
		name, isSym := x.(*sexp.Symbol)
		as := name
		if pair, proper := sexp.Slice(x); !isSym && proper && len(pair) == 2 { // (name-here name-there)
			as, isSym = pair[0].(*sexp.Symbol)
			if isSym {
				name, isSym = pair[1].(*sexp.Symbol)
			}
		}
		if !isSym || name.Keyword || name == sexp.Nil {
			panic(source.Errorf(at.Or(o.at), "%s is not the name of an argument", shorten(sexp.Print(x))).WithExpected("name, or (variable name)").WithCode("bad-program"))
		}
		get := &sexp.Cons{Car: arg, Cdr: &sexp.Cons{Car: name, Cdr: sexp.Nil, At: at}, Pos: at, At: at}
		b := &sexp.Cons{Car: as, Cdr: &sexp.Cons{Car: get, Cdr: sexp.Nil, At: at}, Pos: at, At: at}
		bindings = append(bindings, b)
		bound = append(bound, as)
	}
	if len(bindings) == 0 {
		return body
	}
	decl := sexp.List(declare, sexp.List(append([]sexp.Value{ignorable}, bound...)...))
	form := &sexp.Cons{Car: let, Cdr: &sexp.Cons{Car: sexp.List(bindings...), Cdr: &sexp.Cons{Car: decl, Cdr: body}}}
	return sexp.List(form)
}
