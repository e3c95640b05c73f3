package lang

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A closure is the body of a form that the kernel calls back. It is a
// function of its own; the variables around it that it uses are kept in a
// frame on the caller's stack, 8 bytes each, while the helper runs:
//
//	(let ((sum 0)) (bpf-loop (i 10) (incf sum i)) sum)
//	=> frame = {sum}; bpf_loop(10, body, &frame); sum = frame.sum
type closure struct {
	frame   *ir.Value // in the callback: the pointer to the frame
	vars    []*variable
	written map[*variable]bool
	exits   []closureExit
	exit    *variable // number of the exit taken, 0 for none
	value   *variable // what goes out with it
	later   bool      // the kernel calls it when the function around it is gone: no frame, no exits
	done    *ir.Block // where a later one returns
}

// A closureExit is a way out of the callback's form: a return, or a
// return-from, break or continue of something around it.
type closureExit struct {
	target *blockTarget // nil: return
	next   bool         // continue
}

// index is v's place in the frame.
func (k *closure) index(v *variable) int {
	for i, w := range k.vars {
		if w == v {
			return i
		}
	}
	k.vars = append(k.vars, v)
	return len(k.vars) - 1
}

// foreign reports whether v belongs to a function around this one.
func (l *lowerer) foreign(v *variable) bool {
	if v.home == nil || v.home == l.builder || l.outer == nil {
		return false
	}
	for in := l; in != nil && in.builder != v.home; in = in.outer {
		if in.closure == nil || !in.closure.later {
			continue
		}
		if v.typ.Space == types.PtrCtx {
			panic(l.fail(nil, "the context is gone when the kernel calls this").WithHint("store what is needed of it in the map's value").WithCode("later-variable"))
		}
		var name sexp.Value
		if s := l.c.table.Find(strings.ToUpper(v.name)); s != nil {
			name = s
		}
		panic(l.fail(name, "the variable `%s` is gone when the kernel calls this", v.name).WithExpected("the variables that this body binds itself, maps and globals").
			WithNote(v.pos, "`%s` is bound here", v.name).WithHint("store it in the map's value before").WithCode("later-variable"))
	}
	return true
}

// calledLater reports whether this is, or is in, a body that the kernel calls
// when the program is over.
func (l *lowerer) calledLater() bool {
	for in := l; in != nil; in = in.outer {
		if in.closure != nil && in.closure.later {
			return true
		}
	}
	return false
}

// captured reads a foreign variable from the frame.
func (l *lowerer) captured(v *variable) *ir.Value {
	x := l.add(ir.OpLoad, l.pos, l.closure.frame)
	x.Aux, x.Type = int64(8*l.closure.index(v)), v.typ.Space
	return x
}

// setCaptured writes one.
func (l *lowerer) setCaptured(v *variable, x *ir.Value) {
	k := l.closure.index(v)
	l.closure.written[v] = true
	l.storeAt(val{l.closure.frame, nil}, int64(8*k), 8, x)
}

// addressOf is the address of a variable that lives in a stack slot, here or
// in a function around this one.
func (l *lowerer) addressOf(v *variable) *ir.Value {
	if !l.foreign(v) {
		return l.slotAddr(v.slot)
	}
	if v.addr == nil {
		v.addr = &variable{name: v.name, typ: types.PtrTo(v.typ, types.PtrStack), of: v, home: v.home, pos: v.pos}
	}
	return l.captured(v.addr)
}

// value is what a variable holds, wherever it lives.
func (l *lowerer) value(v *variable) *ir.Value {
	switch {
	case v.of != nil:
		return l.addressOf(v.of)
	case v.slot != 0:
		x := l.add(ir.OpLoad, l.pos, l.addressOf(v))
		x.Size, x.Type = uint8(v.typ.Size), v.typ.Space
		if v.typ.Kind == types.Int && v.typ.Signed && v.typ.Size < 8 {
			x.Op = ir.OpLoadS
		}
		return x
	case l.foreign(v):
		return l.captured(v)
	}
	return l.read(v, l.cur)
}

// assignTo makes v hold x, wherever it lives; x already has v's width.
func (l *lowerer) assignTo(v *variable, x *ir.Value) {
	switch {
	case v.slot != 0:
		l.storeVar(v, x)
	case l.foreign(v):
		l.setCaptured(v, x)
	default:
		l.write(v, x)
	}
}

// context is the pointer to the program's context.
func (l *lowerer) context() val {
	top := l
	for top.outer != nil {
		top = top.outer
	}
	v := l.value(top.ctxVar)
	return val{v, types.PtrTo(nil, types.PtrCtx)}
}

// leaveCallback goes out of the callback to something around its form.
func (l *lowerer) leaveCallback(e closureExit, v val) {
	if v.t.IsPtr() {
		panic(l.fail(nil, "a pointer cannot leave the body of a callback").WithHint("store it in a variable").WithCode("callback-exit"))
	}
	k := l.closure
	if k.later {
		if e.target != nil {
			panic(l.fail(nil, "what is around this is gone when the kernel calls it").WithExpected("(return), which ends this call").WithCode("callback-exit"))
		}
		l.unwind(0)
		l.jump(k.done, l.pos)
		l.unreachable()
		return
	}
	n := -1
	for i, x := range k.exits {
		if x == e {
			n = i
		}
	}
	if n < 0 {
		n = len(k.exits)
		k.exits = append(k.exits, e)
	}
	l.unwind(0)
	l.setCaptured(k.exit, l.constant(int64(n+1), l.pos))
	l.setCaptured(k.value, v.v)
	l.ret(l.constant(1, l.pos), l.pos)
}

// callback lowers body as a function that the kernel calls, and call as the
// call of the helper in between: call gets the function's address and the
// frame's. params are the callback's parameters before the frame pointer.
func (l *lowerer) callback(c *call, body sexp.Value, params []*types.Type, bind func(in *lowerer, ps []*ir.Value), call func(fn, frame *ir.Value) *ir.Value) *ir.Value {
	hidden := func(n string) *variable {
		return &variable{name: n, typ: types.U64, pos: l.pos, used: true}
	}
	k := &closure{written: map[*variable]bool{}, exit: hidden("exit"), value: hidden("value")}
	l.write(k.exit, l.constant(0, l.pos))
	l.write(k.value, l.constant(0, l.pos))
	fn := l.callbackFunc(k, body, params, bind)

	frame := l.constant(0, l.pos)
	if len(k.vars) > 0 {
		slot := l.f.NewSlot(8*len(k.vars), "variables of the callback", l.pos)
		frame = l.slotAddr(slot)
		for i, v := range k.vars {
			l.storeAt(val{frame, nil}, int64(8*i), 8, l.value(v))
		}
	}
	result := call(fn(), frame)
	for i, v := range k.vars {
		if k.written[v] {
			x := l.add(ir.OpLoad, l.pos, frame)
			x.Aux, x.Type = int64(8*i), v.typ.Space
			l.assignTo(v, x)
		}
	}
	for n, e := range k.exits {
		yes, no := l.block(), l.block()
		l.branch(ir.OpEq, l.value(k.exit), l.constant(int64(n+1), l.pos), yes, no, l.pos)
		l.seal(yes)
		l.seal(no)
		l.start(yes)
		l.goTo(e, val{l.value(k.value), types.U64}, nil)
		l.start(no)
	}
	return result
}

// callbackFunc lowers body as the function of closure k; what it gives makes
// the function's address.
func (l *lowerer) callbackFunc(k *closure, body sexp.Value, params []*types.Type, bind func(in *lowerer, ps []*ir.Value)) (addr func() *ir.Value) {
	top := l
	for top.outer != nil {
		top = top.outer
	}
	top.callbacks++
	name := fmt.Sprintf("%s_%d", top.f.Name, top.callbacks)
	if old, taken := l.c.names[name]; taken {
		panic(l.fail(nil, "the body needs the name `%s`, which the %s `%s` has", name, old.what, old.name).WithCode("duplicate"))
	}
	in := &lowerer{builder: l.c.newBuilder(name), c: l.c, prog: l.prog, sub: l.sub, pos: l.pos, user: l.user, frames: l.frames,
		scope: l.scope, outer: l, closure: k, depth: l.depth, internal: l.internal, free: map[int][]int{}}
	s := &Sub{Name: name, C: name, Callback: true, Later: k.later, Result: types.I64, Pos: l.pos, prog: l.prog}
	entry := in.block()
	in.seal(entry)
	in.start(entry)
	var ps []*ir.Value
	for i, t := range params {
		ps = append(ps, in.f.NewParam(entry, t.Space, l.pos))
		s.Params = append(s.Params, SubParam{Name: fmt.Sprintf("arg%d", i), Type: t})
	}
	next, exit := in.block(), in.block()
	if k.done = next; !k.later {
		k.frame = in.f.NewParam(entry, ir.PtrStack, l.pos)
		s.Params = append(s.Params, SubParam{Name: "frame", Type: types.PtrTo(nil, types.PtrAny)})
		in.blocks = []*blockTarget{{exit: exit, next: next}}
	}
	bind(in, ps)
	in.body(in.declarations(body, nil))
	in.jump(next, in.pos)
	in.seal(next)
	in.seal(exit)
	in.start(next)
	in.cur.Term = in.f.NewValue(ir.OpRet, l.pos, in.constant(0, l.pos))
	in.start(exit)
	in.cur.Term = in.f.NewValue(ir.OpRet, l.pos, in.constant(1, l.pos))
	in.f.Prune()
	s.Func = in.f
	l.c.names[name] = named{"callback", name, l.pos}
	l.c.unit.Subs = append(l.c.unit.Subs, s)
	if err := ir.Verify(in.f); err != nil && len(l.c.errs) == 0 {
		panic(bug("lowering %s made a broken function: %v\n%v", name, err, in.f))
	}
	return func() *ir.Value {
		fn := l.add(ir.OpMapAddr, l.pos)
		fn.Sym, fn.Type = name, ir.PtrFunc
		return fn
	}
}

// goTo leaves for a return, or for what a target says.
func (l *lowerer) goTo(e closureExit, v val, form sexp.Value) {
	if e.target != nil {
		for _, t := range l.blocks {
			if t == e.target {
				l.unwind(t.cleanups)
				switch {
				case t.name != nil:
					l.leave(t, v)
				case e.next:
					l.jump(t.next, l.pos)
					l.unreachable()
				default:
					l.jump(t.exit, l.pos)
					l.unreachable()
				}
				return
			}
		}
	}
	if l.closure != nil {
		l.leaveCallback(e, v)
		return
	}
	l.unwind(0)
	l.result(v, form)
}

// lowerBpfLoop is (bpf-loop (i n) body...).
func lowerBpfLoop(l *lowerer, c *call) val {
	spec, ok := sexp.Slice(c.args[0])
	var name *sexp.Symbol
	if ok && len(spec) == 2 {
		name, _ = spec[0].(*sexp.Symbol)
	}
	if name == nil || name.Keyword {
		panic(l.failAt(c.at(0), c.args[0], "malformed loop %s", shorten(sexp.Print(c.args[0]))).WithExpected("(bpf-loop (var count) body...)").WithCode("bad-loop"))
	}
	l.mayCall(abi.HelperByName("loop"), c.head)
	head := &call{l, c.args[0].(*sexp.Cons), c.head, spec[1:]}
	n := (&call{l, &sexp.Cons{Car: head.form.Car, Cdr: head.form.Cdr, At: head.form.At}, c.head, spec[1:]}).int(0)
	const maxLoops = 1 << 23 // BPF_MAX_LOOPS of <linux/bpf_verifier.h>, as the helper's documentation states
	if k, isConst := n.v.IsConst(); isConst && n.t.Kind == types.Literal && (k < 0 || k > maxLoops) {
		panic(l.failAt(head.at(0), spec[1], "a loop of %d turns", k).WithExpected("0 to %d", maxLoops).WithCode("loop-bound"))
	}
	saved := l.scope
	k, isConst := n.v.IsConst()
	if isConst && l.c.opt.without("helper", "loop") {
		return l.boundedLoop(c, name, k)
	}
	none, live := isConst && k == 0, l.cur
	if none {
		// Kernel 6.18 stumbles over a callback that its verifier never enters;
		// the body is still looked at.
		l.unreachable()
	}
	r := l.callback(c, c.rest(1), []*types.Type{types.U32}, func(in *lowerer, ps []*ir.Value) {
		i := &variable{name: name.Display(), typ: types.U32, pos: head.form.At.Or(l.pos)}
		x := in.add(ir.OpZext, in.pos, ps[0])
		x.Size = 4
		in.write(i, x)
		in.bind(name, i)
	}, func(fn, frame *ir.Value) *ir.Value {
		return l.callHelper("loop", n.v, fn, frame, l.constant(0, l.pos))
	})
	l.scope = saved
	if none {
		l.start(live)
		return l.literal(0)
	}
	return val{r, types.I64}
}

// boundedLoop is a bpf-loop for kernels without the helper: the verifier walks
// every turn.
func (l *lowerer) boundedLoop(c *call, name *sexp.Symbol, n int64) val {
	in := l.c.table.Intern
	turns := &sexp.Symbol{Name: "TURNS"}
	count := sexp.List(in("SETF"), turns, sexp.List(in("1+"), name))
	loop := &sexp.Cons{Car: in("DOTIMES"), Cdr: &sexp.Cons{Car: sexp.List(name, n), At: c.at(0), Cdr: &sexp.Cons{Car: count, Cdr: c.rest(1)}}, At: c.form.At}
	return l.expr(sexp.List(in("LET"), sexp.List(sexp.List(turns, int64(0))), loop, turns), c.form.At)
}

// bindSide binds name to the key or value of type t that p points to, as
// getmap gives it.
func (l *lowerer) bindSide(name *sexp.Symbol, p *ir.Value, t *types.Type, at source.Pos) {
	pt := types.PtrTo(t, types.PtrValue)
	v := &variable{name: name.Display(), typ: pt, pos: at}
	if t != nil && t.Kind == types.Int {
		x := l.loadAt(val{p, pt}, 0, t)
		v.typ = t
		l.write(v, x.v)
	} else {
		l.write(v, p)
	}
	l.bind(name, v)
}

// lowerForEachMapElem is (for-each-map-elem (k v map) body...).
func lowerForEachMapElem(l *lowerer, c *call) val {
	spec, ok := sexp.Slice(c.args[0])
	var key, value *sexp.Symbol
	if ok && len(spec) == 3 {
		key, _ = spec[0].(*sexp.Symbol)
		value, _ = spec[1].(*sexp.Symbol)
	}
	if key == nil || value == nil || key.Keyword || value.Keyword {
		panic(l.failAt(c.at(0), c.args[0], "malformed loop %s", shorten(sexp.Print(c.args[0]))).WithExpected("(for-each-map-elem (key value map) body...)").WithCode("bad-loop"))
	}
	head := &call{l, c.args[0].(*sexp.Cons), c.head, spec}
	head.form = &sexp.Cons{Car: c.head, Cdr: c.args[0], At: c.form.At}
	m := head.mapArg(2)
	l.mayCall(abi.HelperByName("for-each-map-elem"), c.head)
	if m.Type.Ops&abi.OpForEach == 0 {
		panic(l.failAt(head.at(2), spec[2], "the entries of %s map cannot be walked", article(m.Type.Keyword)).WithExpected("a hash or array map").WithNote(m.Pos, "`%s` is declared here", m.Name).WithCode("wrong-map-type"))
	}
	saved := l.scope
	ptr := types.PtrTo(nil, types.PtrValue)
	r := l.callback(c, c.rest(1), []*types.Type{types.PtrTo(nil, types.PtrMap), ptr, ptr}, func(in *lowerer, ps []*ir.Value) {
		in.bindSide(key, ps[1], m.Key, head.at(0))
		in.bindSide(value, ps[2], m.Value, head.at(1))
	}, func(fn, frame *ir.Value) *ir.Value {
		return l.callHelper("for-each-map-elem", l.mapAddr(m), fn, frame, l.constant(0, l.pos))
	})
	l.scope = saved
	return val{r, types.I64}
}
