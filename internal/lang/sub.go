package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Sub is a function that programs call: a defsubprog, or the body of a
// form that hands the kernel a callback.
type Sub struct {
	Name     string // as written
	C        string
	Params   []SubParam
	Result   *types.Type // nil: nothing
	Global   bool        // verified on its own
	Callback bool        // its address is taken
	Later    bool        // and it is called when the program is over, on a stack of its own
	Doc      string
	Pos      source.Pos
	Func     *ir.Func // its first parameter is the context where it needs it
	Context  bool     // needs the context

	used   bool
	prog   *Program // the first program that calls it, nil if none does
	body   sexp.Value
	form   *sexp.Cons
	env    *lisp.Env
	ctxUse source.Pos // where it looks into the context, which fixes the type of its programs
}

// A SubParam is a parameter of a Sub.
type SubParam struct {
	Name string
	Type *types.Type

	sym *sexp.Symbol // nil for those of a callback
}

// C is the parameter's name in objects.
func (p SubParam) C() string { return abi.ObjectName(p.Name) }

// maxParams is what BPF passes in registers (R1 to R5).
const maxParams = 5

func declareSubprog(c *compiler, d *decl) sexp.Value {
	sym := d.name("subprogram")
	s := &Sub{Name: sym.Display(), Pos: d.at(0), form: d.form, env: d.env, Doc: ""}
	want := func(e *source.Error) *source.Error {
		return e.WithExpected("(defsubprog %s ((arg type)...) result-type [(:global t)] body...)", s.Name).WithCode("bad-subprogram")
	}
	if len(d.args) < 4 {
		panic(want(d.fail(nil, "the subprogram `%s` needs parameters, a result type and a body", s.Name)))
	}
	cell := d.form.Cdr.(*sexp.Cons).Cdr.(*sexp.Cons)
	places := c.subParams(s, d, cell.Car, cell.At, want)
	cell = cell.Cdr.(*sexp.Cons)
	if r, isSym := cell.Car.(*sexp.Symbol); !isSym || r.Name != "VOID" && r != sexp.Nil {
		s.Result = c.paramType(cell.Car, cell.At.Or(d.pos), d.env)
		if s.Result.Space == types.PtrCtx {
			panic(source.Errorf(cell.At.Or(d.pos), "a subprogram cannot return the context").WithCode("bad-subprogram"))
		}
	}
	body := cell.Cdr
	if x, ok := body.(*sexp.Cons); ok {
		if o, isList := x.Car.(*sexp.Cons); isList {
			if k, isSym := o.Car.(*sexp.Symbol); isSym && k.Keyword {
				opts := d.options(o, ":global")
				if g, ok := opts["GLOBAL"]; ok {
					s.Global = g.value != sexp.Value(sexp.Nil)
				}
				body = x.Cdr
			}
		}
	}
	if x, ok := body.(*sexp.Cons); ok && x.Cdr != sexp.Value(sexp.Nil) {
		if doc, isStr := x.Car.(*sexp.String); isStr {
			s.Doc = doc.String()
			body = x.Cdr
		}
	}
	if body == sexp.Value(sexp.Nil) {
		panic(want(d.fail(nil, "the subprogram `%s` has no body", s.Name)))
	}
	if s.Global {
		s.checkGlobal(places, cell.At.Or(d.pos))
	}
	if formNamed(sym.Name) != nil || preludeBase().defs[sym.Name] != nil {
		panic(source.Errorf(s.Pos, "`%s` is a form of the language", s.Name).WithHint("choose another name").WithCode("duplicate"))
	}
	s.body = body
	s.C = c.objectName("subprogram", sym, s.Pos)
	c.subs[sym.Name] = s
	c.unit.Subs = append(c.unit.Subs, s)
	return sym
}

// checkGlobal refuses what the kernel takes of no function that it verifies
// on its own.
func (s *Sub) checkGlobal(places []source.Pos, result source.Pos) {
	for i, p := range s.Params {
		if p.Type.IsPtr() && p.Type.Space == types.PtrAny && p.Type.Elem == nil {
			panic(source.Errorf(places[i], "a pointer to a global subprogram must say what it points to").WithExpected("(ptr type)").WithCode("bad-subprogram"))
		}
	}
	if s.Result == nil || s.Result.IsPtr() {
		panic(source.Errorf(result, "a global subprogram gives a number").WithExpected("u8 to u64 or i8 to i64").
			WithHint("the kernel verifies it on its own and follows no pointer out of it").WithCode("bad-subprogram"))
	}
}

// subParams reads the parameters of s, a list like that of defun with types,
// and gives their places.
func (c *compiler) subParams(s *Sub, d *decl, list sexp.Value, at source.Pos, want func(*source.Error) *source.Error) (places []source.Pos) {
	params, ok := sexp.Slice(list)
	if !ok {
		e := want(d.fail(list, "the parameters of `%s` must be a list", s.Name))
		e.Pos = at.Or(e.Pos)
		panic(e)
	}
	cell, _ := list.(*sexp.Cons)
	for _, p := range params {
		at := cell.At.Or(d.pos)
		cell, _ = cell.Cdr.(*sexp.Cons)
		name, t := (*sexp.Symbol)(nil), types.U64
		switch p := p.(type) {
		case *sexp.Symbol:
			name = p
		case *sexp.Cons:
			items, proper := sexp.Slice(p)
			if proper && len(items) == 2 {
				name, _ = p.Car.(*sexp.Symbol)
				at = p.At.Or(at)
				t = c.paramType(items[1], p.Cdr.(*sexp.Cons).At.Or(d.pos), d.env)
			}
		}
		if name == nil || name.Keyword || name == sexp.Nil || name == sexp.T {
			e := want(d.fail(p, "malformed parameter %s", shorten(sexp.Print(p))))
			e.Pos = at
			panic(e)
		}
		for i, q := range s.Params {
			if q.sym == name {
				panic(source.Errorf(at, "the parameter `%s` is declared twice", name.Display()).WithNote(places[i], "it is declared here first").WithCode("duplicate"))
			}
		}
		places = append(places, at)
		s.Params = append(s.Params, SubParam{name.Display(), t, name})
	}
	if len(s.Params) > maxParams {
		panic(source.Errorf(places[maxParams], "`%s` has %d parameters", s.Name, len(s.Params)).WithExpected("at most %d", maxParams).
			WithHint("pass a pointer to a struct").WithCode("argument-count"))
	}
	return places
}

// paramType reads the type of a parameter or result: a scalar, (ptr type),
// ptr for bytes, or ctx.
func (c *compiler) paramType(v sexp.Value, at source.Pos, env *lisp.Env) *types.Type {
	if s, ok := v.(*sexp.Symbol); ok {
		switch s.Name {
		case "CTX":
			return types.PtrTo(nil, types.PtrCtx)
		case "PTR":
			return types.PtrTo(nil, types.PtrAny)
		}
	}
	t := c.typeNamed(v, at, env)
	switch t.Kind {
	case types.Int:
		return t
	case types.Ptr:
		return types.PtrTo(t.Elem, types.PtrAny)
	}
	panic(source.Errorf(at, "a subprogram takes and gives numbers and pointers, and `%v` is neither", t).
		WithExpected("a scalar type, (ptr %v) or ctx", t).WithCode("bad-subprogram"))
}

// lowerSubs lowers the subprograms: those that are called take the program
// type of their first caller, so that callers come before them.
func (c *compiler) lowerSubs() {
	done := map[*Sub]bool{}
	for {
		var next *Sub
		for _, s := range c.unit.Subs {
			if !done[s] && s.Func == nil && (s.prog != nil || next == nil) {
				if next == nil || next.prog == nil && s.prog != nil {
					next = s
				}
			}
		}
		if next == nil {
			return
		}
		done[next] = true
		c.lowerSub(next)
	}
}

func (c *compiler) lowerSub(s *Sub) {
	prog := &Program{Name: s.Name, Type: abi.ProgTypeByKeyword("xdp"), License: "GPL", CPU: c.opt.cpu(c.opt.CPU), Pos: s.Pos}
	if p := s.prog; p != nil {
		prog.Type, prog.License, prog.Section, prog.CPU, prog.Sleepable = p.Type, p.License, p.Section, p.CPU, p.Sleepable
	} else if len(c.unit.Programs) > 0 {
		p := c.unit.Programs[0]
		prog.Type, prog.License, prog.Section = p.Type, p.License, p.Section
	}
	l := &lowerer{builder: c.newBuilder(s.C), c: c, prog: prog, sub: s, user: s.form}
	l.function(s.body, s.form, s.env, func() { l.bindParams(s) })
	s.Func = l.f
}

// bindParams makes variables of the parameters of s.
func (l *lowerer) bindParams(s *Sub) {
	var taken addresses
	taken.find(s.body)
	for _, p := range s.Params {
		v := l.f.NewParam(l.cur, p.Type.Space, s.Pos)
		x := &variable{name: p.Name, typ: p.Type, written: p.Type.Kind == types.Int, pos: s.Pos}
		l.pos = s.Pos
		if s == l.prog.Replaces && p.Type.Kind == types.Int { // the caller may be anybody's
			v = l.truncate(val{v, types.U64}, p.Type)
		}
		if taken.of(p.sym) {
			x.slot = l.f.NewSlot(x.typ.Size, x.name, x.pos)
			l.storeVar(x, v)
		} else {
			l.write(x, v)
		}
		l.bind(p.sym, x)
		if p.Type.Space == types.PtrCtx {
			l.ctxVar = x
		}
	}
}

// subResult ends a subprogram with v.
func (l *lowerer) subResult(v val, form sexp.Value) {
	s := l.sub
	switch {
	case v.t.Kind == types.Never || !l.reachable():
	case s.Result == nil:
		v = l.literal(0)
	case s.Result.IsPtr():
		if !v.t.IsPtr() && !isZero(v.v) {
			panic(l.fail(form, "`%s` gives a pointer, and this is a number (%v)", s.Name, v.t).WithNote(s.Pos, "`%s` is declared here", s.Name).WithCode("bad-result"))
		}
		if v.t.IsPtr() && v.t.Space == types.PtrStack {
			panic(l.fail(form, "`%s` would return a pointer to its own stack, which is gone by then", s.Name).WithHint("let the caller pass a pointer to fill").WithCode("bad-result"))
		}
	case v.t.IsPtr():
		panic(l.fail(form, "`%s` gives a number (%v), and this is a %v", s.Name, s.Result, v.t).WithNote(s.Pos, "`%s` is declared here", s.Name).WithCode("bad-result"))
	default:
		v.v = l.truncate(v, s.Result)
	}
	l.ret(v.v, l.pos)
}

// callSub lowers a call of a subprogram. Every call passes the context
// first; passContext takes it away where the subprogram has no use for it.
func (l *lowerer) callSub(c *call, s *Sub) val {
	if len(c.args) != len(s.Params) {
		var ps []string
		for _, p := range s.Params {
			ps = append(ps, strings.ToLower(p.Name))
		}
		panic(l.arity(c.head.Display(), strings.Join(ps, " "), len(c.args)).WithNote(s.Pos, "`%s` is declared here", s.Name))
	}
	s.used = true
	var ctx *ir.Value
	if l.calledLater() {
		ctx = l.constant(0, l.pos)
	} else {
		ctx = l.context().v
	}
	args := []*ir.Value{ctx}
	for i, p := range s.Params {
		v := c.arg(i)
		switch {
		case v.t.Kind == types.Never:
		case p.Type.Space == types.PtrCtx:
			if v.t.Space != types.PtrCtx {
				panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` must be the context", i+1, s.Name).WithHint("write (ctx-ptr)").WithCode("subprogram-argument"))
			}
		case p.Type.IsPtr():
			if !v.t.IsPtr() && !isZero(v.v) {
				panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must be a pointer, and this is a number", i+1, s.Name, p.Name).
					WithNote(s.Pos, "`%s` is declared here", s.Name).WithCode("subprogram-argument"))
			}
			if e, w := v.t.Elem, p.Type.Elem; v.t.IsPtr() && e != nil && w != nil && e.Kind == types.StructKind && w.Kind == types.StructKind && !e.Struct.Has(w.Struct) {
				panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must point to `%v`, and this points to `%v`", i+1, s.Name, p.Name, w, e).
					WithNote(s.Pos, "`%s` is declared here", s.Name).WithCode("wrong-struct"))
			}
		default:
			if v.t.IsPtr() {
				panic(l.failAt(c.at(i), c.args[i], "argument %d of `%s` (%s) must be a number (%v), and this is a %v", i+1, s.Name, p.Name, p.Type, v.t).
					WithNote(s.Pos, "`%s` is declared here", s.Name).WithCode("subprogram-argument"))
			}
			l.fits(c, i, v, p.Type)
			v.v = l.truncate(v, p.Type)
		}
		args = append(args, v.v)
	}
	if s.prog == nil {
		s.prog = l.prog
	}
	v := l.add(ir.OpCallSub, l.pos, args...)
	v.Sym = s.C
	switch {
	case s.Result == nil:
		return l.literal(0)
	case s.Result.IsPtr():
		v.Type = ir.PtrAny
		t := *s.Result
		t.Null, t.From = true, s.Name
		return val{v, &t}
	}
	return val{v, s.Result}
}

// fits refuses a literal that a place of type t cannot hold.
func (l *lowerer) fits(c *call, i int, v val, t *types.Type) {
	n, ok := v.v.IsConst()
	if !ok || v.t.Kind != types.Literal || t.Size >= 8 {
		return
	}
	if u := uint64(n); u>>(8*t.Size) != 0 && (n >= 0 || n < -(1<<(8*t.Size-1))) {
		panic(l.failAt(c.at(i), c.args[i], "%d does not fit into %v", n, t).WithCode("literal-too-wide"))
	}
}

// passContext gives the context to those subprograms that use it, or that
// call one that does, and takes it away from the others.
func (c *compiler) passContext() {
	byName := map[string]*Sub{}
	for _, s := range c.unit.Subs {
		byName[s.C] = s
	}
	uses := func(s *Sub) bool {
		ctx := s.Func.Blocks[0].Params[0]
		found := false
		for _, b := range s.Func.Blocks {
			b.Uses(func(p **ir.Value) { found = found || *p == ctx })
		}
		return found
	}
	// The first argument of a call is a use only where the callee wants it.
	for changed := true; changed; {
		changed = false
		for _, s := range c.unit.Subs {
			if s.Func == nil || s.Callback || s.Context {
				continue
			}
			var saved []*ir.Value
			calls := subCalls(s.Func)
			for _, v := range calls {
				saved = append(saved, v.Args[0])
				if t := byName[v.Sym]; t == nil || !t.Context {
					v.Args[0] = v
				}
			}
			if uses(s) {
				s.Context, changed = true, true
			}
			for i, v := range calls {
				v.Args[0] = saved[i]
			}
		}
	}
	drop := func(f *ir.Func) {
		for _, v := range subCalls(f) {
			if t := byName[v.Sym]; t != nil && !t.Context {
				v.Args = v.Args[1:]
			} else if _, none := v.Args[0].IsConst(); t != nil && none {
				c.errs = append(c.errs, source.Errorf(v.Pos, "`%s` uses the context, which is gone when the kernel calls this", t.Name).
					WithNote(t.Pos, "`%s` is declared here", t.Name).WithHint("pass what it needs as arguments").WithCode("later-variable"))
			} else if t != nil && len(v.Args) > maxParams {
				c.errs = append(c.errs, source.Errorf(v.Pos, "`%s` uses the context, which takes one of its %d arguments", t.Name, maxParams).
					WithExpected("at most %d parameters", maxParams-1).WithNote(t.Pos, "`%s` is declared here", t.Name).WithHint("pass a pointer to a struct").WithCode("argument-count"))
			}
		}
	}
	for _, p := range c.unit.Programs {
		if p.Func != nil {
			drop(p.Func)
		}
		if p.Func != nil && p.Replaces != nil {
			c.dropContext(p)
		}
	}
	for _, s := range c.unit.Subs {
		if s.Func == nil {
			continue
		}
		drop(s.Func)
		if !s.Context && !s.Callback {
			entry := s.Func.Blocks[0]
			entry.Params = entry.Params[1:]
		}
	}
}

func subCalls(f *ir.Func) (calls []*ir.Value) {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpCallSub {
				calls = append(calls, v)
			}
		}
	}
	return calls
}

// callees lists what f calls or hands out as a callback.
func callees(f *ir.Func) (names []string) {
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpCallSub || v.Op == ir.OpMapAddr && v.Type == ir.PtrFunc {
				names = append(names, v.Sym)
			}
		}
	}
	return names
}

// maxFrames is MAX_CALL_FRAMES of the kernel's bpf_verifier.h, as its
// documentation of BPF-to-BPF calls states.
const maxFrames = 8

// checkCalls refuses recursion and calls that are nested too deep, and
// checks subprograms against every program that reaches them.
func (c *compiler) checkCalls() {
	byName := map[string]*Sub{}
	for _, s := range c.unit.Subs {
		byName[s.C] = s
	}
	bad := map[*Sub]bool{}
	var visit func(p *Program, f *ir.Func, path []*Sub)
	visit = func(p *Program, f *ir.Func, path []*Sub) {
		for _, name := range callees(f) {
			s := byName[name]
			if s == nil || s.Func == nil || bad[s] {
				continue
			}
			for _, q := range path {
				if q == s {
					bad[s] = true
					c.errs = append(c.errs, source.Errorf(s.Pos, "the subprogram `%s` calls itself", s.Name).WithExpected("no recursion: the kernel refuses it").
						WithHint("use a loop").WithCode("recursion"))
					return
				}
			}
			if len(path)+2 > maxFrames {
				bad[s] = true
				c.errs = append(c.errs, source.Errorf(s.Pos, "`%s` is called more than %d calls deep", s.Name, maxFrames-1).WithExpected("at most %d frames, the program's own included", maxFrames).WithCode("call-depth"))
				return
			}
			if p != nil && s.prog != nil {
				c.checkSub(p, s, bad)
			}
			visit(p, s.Func, append(path[:len(path):len(path)], s))
		}
	}
	for _, p := range c.unit.Programs {
		if p.Func != nil {
			visit(p, p.Func, nil)
		}
	}
	for _, s := range c.unit.Subs {
		if s.Func != nil && s.prog == nil {
			visit(nil, s.Func, []*Sub{s})
		}
	}
}

// checkSub checks that s, lowered for its first caller, also suits p.
func (c *compiler) checkSub(p *Program, s *Sub, bad map[*Sub]bool) {
	if p.Type == s.prog.Type && p.License == s.prog.License {
		return
	}
	if s.ctxUse.Known() && p.Type != s.prog.Type {
		bad[s] = true
		c.errs = append(c.errs, source.Errorf(s.ctxUse, "`%s` looks into the context, and programs of two types call it: `%s` (%s) and `%s` (%s)",
			s.Name, s.prog.Name, s.prog.Type.Keyword, p.Name, p.Type.Keyword).WithHint("pass what it needs as arguments, or make it a macro").WithCode("context-type"))
		return
	}
	for _, b := range s.Func.Blocks {
		for _, v := range b.Values {
			if m := c.mapOfObject(v.Sym); v.Op == ir.OpMapAddr && m != nil {
				if o := m.forbids(p); o != nil {
					bad[s] = true
					c.errs = append(c.errs, source.Errorf(v.Pos, "`%s` uses `%s`, whose values have a %s, and the %s program `%s` may not", s.Name, m.Name, o.Type.Struct.Name, p.Type.Keyword, p.Name).
						WithNote(p.Pos, "`%s` is here", p.Name).WithNote(o.Pos, "the field is here").WithCode("kernel-object"))
					return
				}
			}
			if v.Op != ir.OpCall {
				continue
			}
			if h := abi.HelperByID(int32(v.Aux)); h != nil && !h.Progs.Has(p.Type) {
				bad[s] = true
				c.errs = append(c.errs, source.Errorf(v.Pos, "`%s` calls the helper `%s`, and the %s program `%s` may not", s.Name, h.Name, p.Type.Keyword, p.Name).
					WithNote(p.Pos, "`%s` is here", p.Name).WithCode("helper-program"))
				return
			}
		}
	}
}

// ProgType is the type of the programs that call s, nil if none does.
func (s *Sub) ProgType() *abi.ProgType {
	if s.prog == nil {
		return nil
	}
	return s.prog.Type
}
