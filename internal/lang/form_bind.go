package lang

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A binding of let as written.
type binding struct {
	name   *sexp.Symbol
	typ    *types.Type // written type, nil if none
	init   sexp.Value  // nil if none
	initAt source.Pos
	at     source.Pos
}

func (l *lowerer) bindings(c *call) (bs []binding) {
	list, ok := l.c.table.Slice(c.args[0])
	malformed := func(x sexp.Value, at source.Pos) {
		panic(l.failAt(at, x, "malformed binding %s", shorten(sexp.Print(x))).
			WithExpected("(name value), (name type value), (name type) or name").WithCode("bad-binding"))
	}
	if !ok {
		panic(l.failAt(c.at(0), c.args[0], "the bindings of `%s` must be a list", c.head.Display()).WithExpected("((name value)...)").WithCode("bad-binding"))
	}
	cell, _ := c.args[0].(*sexp.Cons)
	names := map[*sexp.Symbol]source.Pos{}
	for _, x := range list {
		at := cell.At
		next, _ := cell.Cdr.(*sexp.Cons)
		cell = next
		b := binding{at: at}
		switch x := x.(type) {
		case *sexp.Symbol:
			b.name = x
		case *sexp.Cons:
			at = x.Pos.Or(at)
			items, proper := l.c.table.Slice(x)
			name, isSym := x.Car.(*sexp.Symbol)
			if !proper || !isSym || len(items) > 3 {
				malformed(x, at)
			}
			b.name, b.at = name, x.At.Or(at)
			rest, _ := x.Cdr.(*sexp.Cons)
			if len(items) == 3 {
				b.typ = l.c.typeNamed(items[1], rest.At.Or(l.pos), l.env())
				rest = rest.Cdr.(*sexp.Cons)
				b.init, b.initAt = items[2], rest.At
			} else if len(items) == 2 {
				if _, isVar := items[1].(*sexp.Symbol); isVar {
					b.typ = l.c.findType(items[1], rest.At, l.env())
					if b.typ != nil && l.lookup(items[1].(*sexp.Symbol)) != nil {
						b.typ = nil // a variable hides the type's name
					}
					l.c.noObject(b.typ, items[1], rest.At.Or(l.pos))
				} else if y, isList := items[1].(*sexp.Cons); isList {
					if h, ok := y.Car.(*sexp.Symbol); ok && (h.Name == "ARRAY" || h.Name == "PTR") {
						b.typ = l.c.typeNamed(y, rest.At.Or(l.pos), l.env())
					}
				}
				if b.typ == nil {
					b.init, b.initAt = items[1], rest.At
				}
			}
		default:
			malformed(x, at)
		}
		if b.name == sexp.Nil || b.name == sexp.T || b.name.Keyword {
			panic(l.failAt(b.at, b.name, "`%s` cannot be a variable", b.name.Display()).WithCode("bad-binding"))
		}
		if c.head.Name == "LET" {
			if first, twice := names[b.name]; twice {
				panic(l.failAt(b.at, b.name, "the variable `%s` is bound twice", b.name.Display()).WithNote(first, "it is bound here first").WithCode("duplicate"))
			}
			names[b.name] = b.at
		}
		bs = append(bs, b)
	}
	return bs
}

// declarations takes (declare (type T v...)) forms off the body.
func (l *lowerer) declarations(body sexp.Value, bs []binding) sexp.Value {
	for {
		x, ok := body.(*sexp.Cons)
		if !ok {
			return body
		}
		d, ok := x.Car.(*sexp.Cons)
		if !ok {
			return body
		}
		if h, isSym := d.Car.(*sexp.Symbol); !isSym || h.Name != "DECLARE" {
			return body
		}
		clauses, _ := sexp.Slice(d.Cdr)
		for _, cl := range clauses {
			items, proper := sexp.Slice(cl)
			cc, isList := cl.(*sexp.Cons)
			if !proper || !isList || len(items) == 0 {
				panic(l.fail(cl, "malformed declaration %s", sexp.Print(cl)).WithExpected("(type u32 name...)").WithCode("bad-declaration"))
			}
			h, _ := items[0].(*sexp.Symbol)
			names := items[1:]
			var t *types.Type
			switch {
			case h != nil && h.Name == "TYPE" && len(items) >= 2:
				t = l.c.typeNamed(items[1], cc.Pos.Or(l.pos), l.env())
				names = items[2:]
			case h != nil && types.ScalarNamed(h.Name) != nil:
				t = types.ScalarNamed(h.Name)
			default:
				continue // ignore (see warnUnused), optimize, ...
			}
			for _, n := range names {
				found := false
				for i := range bs {
					if bs[i].name == n {
						bs[i].typ, found = t, true
					}
				}
				if !found {
					panic(l.fail(n, "the declaration names `%s`, which is not bound here", sexp.Print(n)).WithCode("bad-declaration"))
				}
			}
		}
		body = x.Cdr
	}
}

func lowerLet(l *lowerer, c *call) val {
	bs := l.bindings(c)
	body := l.declarations(c.rest(1), bs)
	saved := l.scope
	inits := make([]val, len(bs))
	for i, b := range bs {
		inits[i] = l.initial(b)
	}
	vars := make([]*variable, len(bs))
	var taken addresses
	taken.find(body)
	for i, b := range bs {
		vars[i] = l.bindVar(b, inits[i], taken.of(b.name))
	}
	v := l.body(body)
	l.scope = saved
	l.warnUnused(bs, vars, c.rest(1))
	return v
}

// lowerOnce binds names to values with their exact types, literals included:
// what macros use to evaluate an argument once.
func lowerOnce(l *lowerer, c *call) val {
	bs := l.bindings(c)
	saved := l.scope
	inits := make([]val, len(bs))
	for i, b := range bs {
		if b.init == nil { // the part of a place that a macro binds is a type
			panic(l.fail(nil, "`%v` is a type, and no part of a place that can be set", b.typ).
				WithExpected("a variable, (getmap ...), (ctx ...) or a struct field").WithCode("not-a-place"))
		}
		inits[i] = l.expr(b.init, b.initAt)
	}
	for i, b := range bs {
		v := &variable{name: b.name.Display(), typ: inits[i].t, pos: l.pos, used: true}
		l.write(v, inits[i].v)
		l.bind(b.name, v)
	}
	v := l.body(c.rest(1))
	l.scope = saved
	return v
}

func lowerLetStar(l *lowerer, c *call) val {
	bs := l.bindings(c)
	body := l.declarations(c.rest(1), bs)
	saved := l.scope
	vars := make([]*variable, len(bs))
	// The variable's address may be taken in a later initializer.
	slots := make([]bool, len(bs))
	var taken addresses
	taken.find(body)
	for i := len(bs) - 1; i >= 0; i-- {
		slots[i] = taken.of(bs[i].name)
		if bs[i].init != nil {
			taken.find(bs[i].init)
		}
	}
	for i, b := range bs {
		vars[i] = l.bindVar(b, l.initial(b), slots[i])
	}
	v := l.body(body)
	l.scope = saved
	l.warnUnused(bs, vars, c.rest(1))
	return v
}

// initial lowers a binding's initializer; without one the variable is zero.
func (l *lowerer) initial(b binding) val {
	if b.init == nil || b.typ != nil && b.typ.Kind == types.Array && l.isInitial(b.init) {
		return val{l.constant(0, l.pos), types.U64}
	}
	return l.guard(func() val { return l.expr(b.init, b.initAt) })
}

// placeType is the type of a variable with written type t (nil for none)
// and initial value v.
func (l *lowerer) placeType(t *types.Type, v val, name sexp.Value, at source.Pos) *types.Type {
	switch {
	case v.t.Kind == types.Never && t == nil: // it never gets here, or is wrong already
		return types.Nowhere
	case v.t.IsPtr():
		if t != nil && t.Kind == types.Int && t.Size < 8 {
			panic(l.failAt(at, name, "a pointer does not fit into `%v`", t).WithExpected("u64, or no type").WithHint("(cast u64 p) makes a number of a pointer").WithCode("pointer-narrow"))
		}
		if t != nil && t.Kind == types.Ptr && t.Elem != nil {
			n := *v.t
			n.Elem, n.Len = t.Elem, t.Len
			return &n
		}
		return v.t
	case t != nil && t.Kind == types.Int:
		return t
	case t != nil:
		return t
	case v.t.Kind == types.Literal:
		if n, ok := v.v.IsConst(); ok && n < 0 && v.t != types.ULit {
			return types.I64
		}
		return types.U64
	case v.t.Kind == types.Int && v.t.Signed:
		return types.I64
	}
	return types.U64
}

// bindVar binds a variable, to a slot of the stack if something takes its
// address.
func (l *lowerer) bindVar(b binding, init val, taken bool) *variable {
	written := b.typ != nil && b.typ.Kind == types.Int
	t := l.placeType(b.typ, init, b.name, b.at)
	v := &variable{name: b.name.Display(), typ: t, written: written, pos: b.at.Or(l.pos)}
	if t.Kind == types.Array || t.Kind == types.StructKind {
		// An array or struct on the stack: the variable is its address.
		slot := l.f.NewSlot(max(t.Size, 1), v.name, v.pos)
		addr := l.slotAddr(slot)
		v.typ = types.PtrTo(t, types.PtrStack)
		switch {
		case b.init == nil:
			l.zero(addr, t.Size)
		case t.Kind == types.Array && l.isInitial(b.init):
			l.storeBytes(val{addr, v.typ}, 0, l.initialBytes(b.init, t, b.initAt))
		default:
			panic(l.failAt(b.at, b.name, "the %v `%s` takes no initial value", t, v.name).WithCode("bad-binding"))
		}
		l.write(v, addr)
		l.bind(b.name, v)
		return v
	}
	x := init.v
	v.null = init.t.Kind == types.Literal && isZero(x) && (b.typ == nil || b.typ == types.U64)
	if written && !init.t.IsPtr() {
		x = l.truncate(init, t)
	}
	if taken {
		v.slot = l.f.NewSlot(t.Size, v.name, v.pos)
		l.storeVar(v, x)
	} else {
		l.write(v, x)
	}
	l.bind(b.name, v)
	return v
}

// addresses are the variables for which (stack-addr name) stands somewhere.
type addresses struct {
	names map[*sexp.Symbol]bool
	all   bool // there is more than find has seen
}

func (a *addresses) of(name *sexp.Symbol) bool { return a.all || a.names[name] }

// find adds those in form, or in a list of forms.
func (a *addresses) find(form sexp.Value) { a.walk(form, 0) }

func (a *addresses) walk(v sexp.Value, depth int) {
	if depth > maxNesting {
		a.all = true
		return
	}
	for c, ok := v.(*sexp.Cons); ok; c, ok = c.Cdr.(*sexp.Cons) {
		switch x := c.Car.(type) {
		case *sexp.Symbol:
			if x.Name != "STACK-ADDR" {
				continue
			}
			next, ok := c.Cdr.(*sexp.Cons)
			if !ok {
				continue
			}
			if name, isSym := next.Car.(*sexp.Symbol); isSym {
				if a.names == nil {
					a.names = map[*sexp.Symbol]bool{}
				}
				a.names[name] = true
			}
		case *sexp.Cons:
			a.walk(x, depth+1)
		}
	}
}

func (l *lowerer) storeVar(v *variable, x *ir.Value) {
	if v.home == nil {
		v.home = l.builder
	}
	s := l.add(ir.OpStore, l.pos, l.addressOf(v), x)
	s.Size = uint8(v.typ.Size)
}

func lowerSetf(l *lowerer, c *call) val {
	if len(c.args)%2 != 0 {
		panic(l.fail(nil, "`%s` needs a value for each place", c.head.Display()).WithExpected("(%s place value ...)", c.head.Display()).WithCode("argument-count"))
	}
	v := val{nil, types.Lit}
	for i := 0; i < len(c.args); i += 2 {
		v = l.assign(c, i)
	}
	if v.v == nil {
		return l.literal(0)
	}
	return v
}

// assign stores argument i+1 into the place that argument i is.
func (l *lowerer) assign(c *call, i int) val {
	switch place := c.args[i].(type) {
	case *sexp.Symbol:
		v := l.lookup(place)
		if v == nil {
			if exp, ok := l.c.in.SymbolMacro(place, l.env()); ok {
				return l.expr(sexp.List(l.c.table.Intern("SETF"), exp, c.args[i+1]), source.Pos{})
			}
			if g := l.c.globals[place.Name]; g != nil {
				return l.setGlobal(g, c, i)
			}
			e := l.failAt(c.at(i), place, "unknown variable `%s`", place.Display()).WithExpected("a variable that let binds").WithCode("unknown-variable")
			if _, isConst := l.c.in.Global(place); isConst {
				e = l.failAt(c.at(i), place, "`%s` is a compile-time value: a program cannot change it", place.Display()).WithCode("not-a-place")
			} else if m := didYouMean(place.Name, l.namesInScope()); m != "" {
				e.DidYouMean(m)
			}
			panic(e)
		}
		x := c.arg(i + 1)
		return l.setVar(v, x, place, c.at(i))
	case *sexp.Cons:
		head, ok := place.Car.(*sexp.Symbol)
		if !ok {
			break
		}
		sub, proper := sexp.Slice(place.Cdr)
		if !proper {
			break
		}
		pc := &call{l, place, head, sub}
		if head.Name == "CTX" {
			return l.setCtx(pc, c, i+1)
		}
		if v, ok := l.setPlace(pc, c, i+1); ok {
			return v
		}
		if a, ok := l.c.access[head.Name]; ok && a.field != nil {
			return a.set(l, pc, c, i+1)
		}
		if a, ok := l.c.kernelAccessor(head.Name); ok {
			return a.set(l, pc, c, i+1)
		}
		if h, ok := l.c.headerNamed(head.Name); ok {
			return h.set(l, pc, c, i+1)
		}
		if m := l.c.table.Find(bodyPrefix + "%SETF-" + head.Name); m != nil {
			items := append(append([]sexp.Value{m}, sub...), c.args[i+1])
			form := sexp.List(items...).(*sexp.Cons)
			form.Pos = c.form.Pos
			return l.expand(form, c.head.Display(), c.form, true)
		}
		exp, expanded, err := l.c.in.ExpandSetf(place, c.args[i+1], l.env())
		if err != nil {
			for _, e := range source.AsList(err) {
				e.Pos = e.Pos.Or(l.pos)
				e.Expansion = append(e.Expansion, source.Frame{Name: "setf " + head.Display(), Pos: place.Pos.Or(l.pos)})
				panic(e)
			}
		}
		if expanded {
			l.enterMacro(head.Display(), place.Pos)
			v := l.expr(exp, source.Pos{})
			l.leaveMacro()
			return v
		}
		if exp, expanded, err := l.c.in.Expand1(place, l.env()); err == nil && expanded {
			l.enterMacro(head.Display(), place.Pos)
			v := l.expr(sexp.List(l.c.table.Intern("SETF"), exp, c.args[i+1]), source.Pos{})
			l.leaveMacro()
			return v
		}
		if m := didYouMean(head.Name, l.c.operators()); m != "" && formNamed(head.Name) == nil {
			panic(l.failAt(place.At, head, "unknown place `%s`", head.Display()).DidYouMean(m).WithCode("unknown-form"))
		}
	}
	panic(l.failAt(c.at(i), c.args[i], "%s is not a place that can be set", shorten(sexp.Print(c.args[i]))).
		WithExpected("a variable, (getmap ...), (ctx ...) or a struct field").WithCode("not-a-place"))
}

func (l *lowerer) setVar(v *variable, x val, name sexp.Value, at source.Pos) val {
	switch {
	case v.typ.IsPtr() && !x.t.IsPtr():
		n, isConst := x.v.IsConst()
		if x.t.Kind == types.Never || isConst && n == 0 {
			break
		}
		panic(l.failAt(at, name, "`%s` holds a %v and cannot be set to a number", v.name, v.typ).WithHint("use another variable").WithCode("type-change"))
	case !v.typ.IsPtr() && x.t.IsPtr() && v.null && !v.used && v.slot == 0 && v.addr == nil && !l.foreign(v):
		t := *x.t
		t.Null, t.Always = true, false
		v.typ, v.written = &t, false
	case !v.typ.IsPtr() && x.t.IsPtr() && v.typ.Kind != types.Never:
		panic(l.failAt(at, name, "`%s` is a %v and cannot hold a %v", v.name, v.typ, x.t).WithHint("bind a new variable to the pointer, or use (cast u64 p)").WithCode("type-change"))
	}
	y := x.v
	if v.written {
		y = l.truncate(x, v.typ)
	}
	l.assignTo(v, y)
	return val{y, v.typ}
}
