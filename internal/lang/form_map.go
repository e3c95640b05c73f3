package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

func toLower(s string) string { return strings.ToLower(s) }

// helperID is the number of a helper that the compiler itself calls.
func helperID(name string) int64 {
	h := abi.HelperByName(name)
	if h == nil {
		panic(bug("no helper %s", name))
	}
	return int64(h.ID)
}

// mapAddr is the map as helpers take it.
func (l *lowerer) mapAddr(m *Map) *ir.Value {
	if m.at != nil {
		return l.readVar(m.at).v
	}
	v := l.add(ir.OpMapAddr, l.pos)
	v.Sym, v.Type = m.C, ir.PtrMap
	return v
}

func (l *lowerer) callHelper(name string, args ...*ir.Value) *ir.Value {
	v := l.add(ir.OpCall, l.pos, args...)
	v.Aux = helperID(name)
	return v
}

// temp takes a stack slot of size bytes for a temporary; release gives it
// back for the next one.
func (l *lowerer) temp(size int, name string) (slot int, release func()) {
	if free := l.free[size]; len(free) > 0 {
		slot = free[len(free)-1]
		l.free[size] = free[:len(free)-1]
	} else {
		slot = l.f.NewSlot(size, name, l.pos)
	}
	return slot, func() { l.free[size] = append(l.free[size], slot) }
}

// needs checks that m's type allows an operation.
func (l *lowerer) needs(c *call, i int, m *Map, op abi.MapOps, what string) {
	if m.Type.Probed && m.Type.Ops&op == 0 {
		e := l.failAt(c.at(i), c.args[i], "%s map has no %s", article(m.Type.Keyword), what).WithNote(m.Pos, "`%s` is declared here", m.Name).WithCode("wrong-map-type")
		e.WithExpected("a map of another type")
		switch m.Type.Keyword {
		case "ringbuf":
			e.WithHint("use with-ringbuf or ringbuf-output")
		case "prog-array":
			e.WithHint("use (tail-call %s index)", m.Name)
		case "queue", "stack":
			e.WithHint("use map-push, map-pop and map-peek")
		case "bloom-filter":
			e.WithHint("use map-push and map-peek")
		case "array-of-maps", "hash-of-maps":
			e.WithHint("programs only look maps up; :values and user space put them in")
		case "perf-event-array":
			e.WithHint("use emit or perf-event-output")
		case "stack-trace":
			e.WithHint("use (get-stackid (ctx-ptr) %s flags)", m.Name)
		case "sk-storage", "task-storage", "inode-storage", "cgrp-storage":
			e.WithHint("use (%s-get %s ...)", m.Type.Keyword, m.Name)
		}
		panic(e)
	}
}

// pointedSize is how many bytes x points to, as far as that is known: a whole
// struct; of an array or a variable on the stack, what lies from there to its
// end.
func (l *lowerer) pointedSize(x val) int {
	if x.t.Elem != nil && x.t.Elem.Kind == types.StructKind {
		return x.t.Elem.Size
	}
	if n, known := l.stackRoom(x.v); known && x.t.Elem != nil {
		return n
	}
	return 0
}

// stackRoom is how many bytes lie from p to the end of its stack variable.
func (l *lowerer) stackRoom(p *ir.Value) (n int, known bool) {
	off, known := l.stackOffset(p)
	if !known {
		return 0, false
	}
	for p.Op != ir.OpStackAddr {
		p = p.Args[0]
	}
	return max(0, l.f.Slots[p.Slot].Size-int(off)), true
}

func pointedName(x val) string {
	if x.t.Elem.Kind == types.StructKind {
		return "`" + x.t.Elem.String() + "`"
	}
	return "this"
}

// pass makes a pointer to x as the key or value that m wants. side is "key"
// or "value".
func (l *lowerer) pass(m *Map, x val, form sexp.Value, side string) (ptr *ir.Value, release func()) {
	return l.passIn(m, x, form, side, false)
}

// passIn is pass; followed has the verifier follow the number in memory, which
// it does for 8 aligned bytes of the stack.
func (l *lowerer) passIn(m *Map, x val, form sexp.Value, side string, followed bool) (ptr *ir.Value, release func()) {
	t, size := m.Key, m.KeySize
	if side == "value" {
		t, size = m.Value, m.ValueSize
	}
	if side == "value" && m.Type.InnerMap {
		panic(l.fail(form, "the values of `%s` are maps, which programs only look up", m.Name).
			WithNote(m.Pos, "it is declared here").WithHint("put maps in with :values, or from user space").WithCode("wrong-map-type"))
	}
	if t == nil {
		panic(l.fail(form, "the map `%s` has no %s", m.Name, side).WithNote(m.Pos, "it is declared here").WithCode("wrong-map-type"))
	}
	if x.t.IsPtr() {
		l.present(x)
		have := l.pointedSize(x)
		switch {
		case t.Kind == types.Int && have == 0 && size <= 8:
			panic(l.fail(form, "the %s of `%s` is a number (%v), and this is a %v", side, m.Name, t, x.t).
				WithHint("load the number first, or use the -ptr form").WithCode("key-type"))
		case have > size:
			panic(l.fail(form, "%s has %d bytes, but the %s of `%s` has %d", pointedName(x), have, side, m.Name, size).
				WithNote(m.Pos, "`%s` is declared here", m.Name).WithCode("key-size"))
		case have > 0 && have < size:
			l.warn(form, "%s has %d bytes, but the %s of `%s` has %d: the rest is zero", pointedName(x), have, side, m.Name, size).WithCode("key-padded")
			slot, release := l.temp(size, side+" of "+m.Name)
			addr := l.slotAddr(slot)
			l.zero(addr, size)
			dst := val{addr, types.PtrTo(nil, types.PtrStack)}
			l.copyBytes(dst, 0, x, 0, have)
			return addr, release
		}
		return x.v, func() {}
	}
	if t.Kind != types.Int && size > 8 || t.Kind == types.StructKind {
		panic(l.fail(form, "the %s of `%s` has %d bytes (%v), and this is a number", side, m.Name, size, t).
			WithExpected("a pointer to %d bytes, such as (make-...) or struct-alloc", size).WithNote(m.Pos, "`%s` is declared here", m.Name).WithCode("key-type"))
	}
	if n, ok := x.v.IsConst(); ok && side == "key" && m.Type.Array && m.at == nil && m.MaxEntries > 0 && uint64(n) >= uint64(m.MaxEntries) && x.t.Kind == types.Literal {
		panic(l.fail(form, "the index %d is outside of `%s`", n, m.Name).WithExpected("0 to %d", m.MaxEntries-1).
			WithNote(m.Pos, "`%s` is declared here", m.Name).WithCode("index-range"))
	}
	if n, ok := x.v.IsConst(); ok && x.t.Kind == types.Literal && size < 8 {
		if u := uint64(n); u>>(8*size) != 0 && (n >= 0 || n < -(1<<(8*size-1))) {
			panic(l.fail(form, "%d does not fit into the %d-byte %s of `%s`", n, size, side, m.Name).WithCode("literal-too-wide"))
		}
	}
	room := size
	if n, _ := x.v.IsConst(); followed && n != 0 {
		room = 8
	}
	slot, release := l.temp(room, side+" of "+m.Name)
	addr := l.slotAddr(slot)
	p := val{addr, types.PtrTo(nil, types.PtrStack)}
	if t.Kind == types.Int {
		l.storeAt(p, 0, size, x.v)
	} else {
		// 3, 5, 6 or 7 bytes: the low bytes of the number
		l.chunks(p, 0, size, func(o int64, k int) {
			v := x.v
			if o > 0 {
				v = l.add(ir.OpShr, l.pos, x.v, l.constant(8*o, l.pos))
			}
			l.storeAt(p, o, k, v)
		})
	}
	return addr, release
}

// valuePtr types what a lookup gives: a pointer to a value, to a map in a map
// of maps, or to a socket.
func (m *Map) valuePtr(from string) *types.Type {
	t := types.PtrTo(m.Value, types.PtrValue)
	if m.Value != nil && m.Value.Kind == types.Array {
		t.Elem, t.Len = m.Value.Elem, m.Value.Len
	}
	switch {
	case m.Type.InnerMap:
		t = types.PtrTo(nil, types.PtrMap)
		t.Map = m.Inner
	case m.Type.Ops&abi.OpSockLookup != 0 || m.Type.Keyword == "xskmap":
		t = types.PtrTo(nil, types.PtrKernel)
	}
	t.Null, t.From = true, from
	return t
}

// found is the result of looking a key up.
func (l *lowerer) found(m *Map, v *ir.Value, from string) val {
	t := m.valuePtr(from)
	v.Type = t.Space
	return val{v, t}
}

func lowerMapLookup(l *lowerer, c *call) val {
	m := c.mapArg(0)
	l.needs(c, 0, m, abi.OpLookup, "lookup")
	k := c.arg(1)
	// An entry of an array is always there; pass checks the index.
	always := false
	if name, ok := c.args[0].(*sexp.Symbol); ok && l.c.maps[name.Name] == m && m.Type.Array {
		_, isConst := k.v.IsConst()
		always = isConst && k.t.Kind == types.Literal
	}
	known := always && (m.Type.Keyword == "array" || m.Type.Keyword == "percpu-array") && l.c.opt.has("feature", "array-lookup-never-null")
	key, release := l.passIn(m, k, c.args[1], "key", known)
	v := l.callHelper("map-lookup-elem", l.mapAddr(m), key)
	release()
	if known {
		v.Sym = ir.NeverNull
	}
	p := l.found(m, v, toLower(c.head.Name))
	if always && p.t.IsPtr() {
		t := *p.t
		t.Always = true
		p.t = &t
	}
	return p
}

// present tests a pointer that the source need not test: the verifier of
// kernels before 6.15 wants to see that an array's entry is there. Tests that
// the source has already made are taken away again by the optimiser.
func (l *lowerer) present(v val) {
	if !v.t.IsPtr() || !v.t.Always {
		return
	}
	there, missing := l.block(), l.block()
	l.branch(ir.OpNe, v.v, l.constant(0, l.pos), there, missing, l.pos)
	l.seal(there)
	l.seal(missing)
	l.start(missing)
	l.unwind(0)
	result := int64(0)
	if t := l.prog.Type; l.closure == nil && l.sub == nil && t.HasRet && (t.RetMin > 0 || t.RetMax < 0) {
		result = t.RetMin
	}
	l.ret(l.constant(result, l.pos), l.pos)
	l.start(there)
}

func lowerMapPtr(l *lowerer, c *call) val {
	m := c.mapArg(0)
	ptr := func(i int, side string, size int) *ir.Value {
		p := c.arg(i)
		l.wantPtr(c, i, p)
		if p.t.Elem != nil && p.t.Elem.Size > size && p.t.Elem.Kind == types.StructKind {
			panic(l.failAt(c.at(i), c.args[i], "`%v` has %d bytes, but the %s of `%s` has %d", p.t.Elem, p.t.Elem.Size, side, m.Name, size).WithCode("key-size"))
		}
		if n, known := l.stackRoom(p.v); known && n < size {
			panic(l.failAt(c.at(i), c.args[i], "`%s` reads %d bytes, the %s of `%s`, and there are %d", c.head.Display(), size, side, m.Name, n).
				WithExpected("a pointer to %d bytes", size).WithCode("key-size"))
		}
		return p.v
	}
	switch c.head.Name {
	case "MAP-LOOKUP-PTR":
		l.needs(c, 0, m, abi.OpLookup, "lookup")
		return l.found(m, l.callHelper("map-lookup-elem", l.mapAddr(m), ptr(1, "key", m.KeySize)), "map-lookup-ptr")
	case "MAP-DELETE-PTR":
		l.needs(c, 0, m, abi.OpDelete, "delete")
		return val{l.callHelper("map-delete-elem", l.mapAddr(m), ptr(1, "key", m.KeySize)), types.I64}
	}
	l.needs(c, 0, m, abi.OpUpdate, "update")
	k := ptr(1, "key", m.KeySize)
	v := ptr(2, "value", m.ValueSize)
	return val{l.callHelper("map-update-elem", l.mapAddr(m), k, v, c.int(3).v), types.I64}
}

func lowerWithKey(l *lowerer, c *call) val {
	side := toLower(c.head.Name[len("%WITH-"):])
	spec, _ := sexp.Slice(c.args[0])
	sc := &call{l, c.args[0].(*sexp.Cons), c.head, spec}
	m := sc.mapArg(1)
	x := l.expr(spec[2], sc.at(2))
	p, release := l.pass(m, x, spec[2], side)
	t := m.Key
	if side == "value" {
		t = m.Value
	}
	saved := l.scope
	v := &variable{name: side, typ: types.PtrTo(t, p.Type), pos: l.pos}
	l.write(v, p)
	l.bind(spec[0].(*sexp.Symbol), v)
	r := l.body(c.rest(1))
	l.scope = saved
	release()
	return r
}

func lowerMapValue(l *lowerer, c *call) val {
	m := c.mapArg(0)
	p := c.arg(1)
	if m.Value != nil && m.Value.Kind == types.Int && p.t.Space != types.PtrMap && p.t.Space != types.PtrKernel {
		return l.loadAt(p, 0, m.Value)
	}
	if p.t.Space != types.PtrMap && m.Value != nil && m.ValueSize <= 8 && m.Value.Kind == types.Array && m.Value.Elem == types.U8 && types.ScalarOf(m.ValueSize, false) == nil {
		// 3, 5, 6 or 7 bytes make one number
		sum := l.literal(0)
		l.chunks(p, 0, m.ValueSize, func(o int64, k int) {
			x := l.loadAt(p, o, types.ScalarOf(k, false))
			sum = l.op(ir.OpOr, sum, l.op(ir.OpShl, x, l.literal(8*o), types.U64), types.U64)
		})
		return sum
	}
	t := *p.t
	t.Null = false
	return val{p.v, &t}
}

// lowerWithRoom binds a pointer to room for a value of a map. Numbers leave
// it at once, so that the next one may have it.
func lowerWithRoom(l *lowerer, c *call) val {
	spec, _ := sexp.Slice(c.args[0])
	sc := &call{l, c.args[0].(*sexp.Cons), c.head, spec}
	m := sc.mapArg(1)
	if m.Value == nil {
		l.needs(sc, 1, m, abi.OpPop, "values without keys")
	}
	var p val
	release := func() {}
	if m.Value.Kind == types.Int {
		var slot int
		slot, release = l.temp(m.ValueSize, "value of "+m.Name)
		p = val{l.slotAddr(slot), types.PtrTo(m.Value, types.PtrStack)}
	} else {
		p = l.alloc(m.ValueSize, m.Value, "value of "+m.Name)
	}
	saved := l.scope
	v := &variable{name: "room", typ: p.t, pos: l.pos}
	l.write(v, p.v)
	l.bind(spec[0].(*sexp.Symbol), v)
	r := l.body(c.rest(1))
	l.scope = saved
	release()
	return r
}

func lowerTailCall(l *lowerer, c *call) val {
	m := c.mapArg(0)
	l.needs(c, 0, m, abi.OpTailCall, "programs to call")
	i := c.int(1)
	l.unwind(0)
	l.callHelper("tail-call", l.context().v, l.mapAddr(m), i.v)
	return l.literal(0)
}
