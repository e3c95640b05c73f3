package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// condSpecials handle conditions.
func condSpecials() []special {
	return []special{
		{name: "HANDLER-CASE", params: "form &rest clauses", compile: compileHandlerCase},
		{name: "HANDLER-BIND", params: "bindings &body body", compile: compileHandlerBind},
		{name: "IGNORE-ERRORS", params: "&body body", compile: func(c *comp, x *sexp.Cons) code {
			sig := c.sig
			c.sig = nil
			body := c.body(x.Cdr)
			c.sig = sig
			spec := c.sym("ERROR")
			c.one = false
			return func(f *frame) Value {
				tok := &token{}
				v, left := f.in.catching(tok, f, func(f *frame) Value {
					n := len(f.in.handlers)
					f.in.handlers = append(f.in.handlers, handler{spec: spec, tok: tok, base: n})
					v := body(f)
					f.in.handlers = f.in.handlers[:n]
					return v
				})
				if left {
					return values(sexp.Nil, v.(*caught).cond)
				}
				return v
			}
		}},
		{name: "ASSERT", params: "test &optional places datum &rest arguments", compile: compileAssert},
		{name: "CHECK-TYPE", params: "place type &optional text", compile: func(c *comp, x *sexp.Cons) code {
			val := c.valueAt(second(x))
			what, spec := second(x).Car, third(x).Car
			pos := second(x).At.Or(c.pos)
			text := nilCode
			if cell, ok := third(x).Cdr.(*sexp.Cons); ok {
				text = c.valueAt(cell)
			}
			c.one = true
			return func(f *frame) Value {
				v := val(f)
				f.in.pos = pos
				if f.in.typep(v, spec) {
					return sexp.Nil
				}
				want := "of type " + show(spec)
				if s, ok := text(f).(*sexp.String); ok {
					want = s.String()
				}
				e := errAt(source.Pos{}, v, "the value of %s is %s, which is not %s", show(what), show(v), want)
				e.kind = "TYPE-ERROR"
				e.slots = map[string]Value{"DATUM": v, "EXPECTED-TYPE": spec}
				f.in.fail(e)
				return nil
			}
		}},
		{name: "DEFINE-CONDITION", params: "name parents &optional slots &rest options", compile: compileDefineCondition},
	}
}

func compileHandlerCase(c *comp, x *sexp.Cons) code {
	sig := c.sig
	c.sig = nil
	body := c.formAt(second(x))
	c.sig = sig
	type handlerClause struct {
		spec Value
		bind *binder
		body code
	}
	var cls []handlerClause
	noError := -1
	var noErrorFn func(f *frame) *Function
	for cell, ok := rest(second(x)).(*sexp.Cons); ok; cell, ok = cell.Cdr.(*sexp.Cons) {
		cl, isList := cell.Car.(*sexp.Cons)
		n := length(cell.Car)
		if !isList || n < 2 {
			c.in.fail(errAt(cell.At.Or(c.pos), cell.Car, "malformed clause %s of `handler-case`", show(cell.Car)).WithExpected("(type ([variable]) form...)"))
		}
		if s, isSym := cl.Car.(*sexp.Symbol); isSym && s.Keyword && s.Name == "NO-ERROR" {
			noError = len(cls)
			noErrorFn = c.closure(nil, cl, 1, cl.Pos.Or(c.pos), nil)
			continue
		}
		params := c.in.listOf(second(cl).Car, "handler-case")
		if len(params) > 1 || len(params) == 1 && !isSymbol(params[0]) {
			c.in.fail(errAt(cl.Pos.Or(c.pos), cl, "malformed clause %s of `handler-case`", show(cl)).WithExpected("(type ([variable]) form...)"))
		}
		env := c.env
		k := handlerClause{spec: cl.Car}
		if len(params) == 1 {
			b := c.binder(params[0].(*sexp.Symbol), nil)
			k.bind = &b
		}
		k.body = c.declared(second(cl).Cdr)
		c.env = env
		cls = append(cls, k)
	}
	c.one = false
	return func(f *frame) Value {
		in := f.in
		tok := &token{}
		v, left := in.catching(tok, f, func(f *frame) Value {
			n := len(in.handlers)
			for i := len(cls) - 1; i >= 0; i-- {
				in.handlers = append(in.handlers, handler{spec: cls[i].spec, tok: tok, n: i, base: n})
			}
			v := body(f)
			in.handlers = in.handlers[:n]
			return v
		})
		if !left {
			if noError >= 0 {
				return in.call(noErrorFn(f), all(v))
			}
			return v
		}
		got := v.(*caught)
		k := &cls[got.n]
		mark := len(in.specials)
		if k.bind != nil {
			k.bind.set(f, got.cond)
		}
		r := k.body(f)
		in.unbindTo(mark)
		return r
	}
}

func compileHandlerBind(c *comp, x *sexp.Cons) code {
	var specs []Value
	var fns []code
	for _, b := range c.in.listOf(second(x).Car, "handler-bind") {
		items, ok := sexp.Slice(b)
		if !ok || len(items) != 2 {
			c.in.fail(errAt(sexp.PosOf(b).Or(c.pos), b, "malformed binding %s of `handler-bind`", show(b)).WithExpected("(type function)"))
		}
		specs = append(specs, items[0])
		fns = append(fns, c.valueAt(second(b.(*sexp.Cons))))
	}
	sig := c.sig
	c.sig = nil
	body := c.body(rest(second(x)))
	c.sig = sig
	c.one = false
	return func(f *frame) Value {
		in := f.in
		n := len(in.handlers)
		var hs []handler
		for i := len(fns) - 1; i >= 0; i-- {
			hs = append(hs, handler{spec: specs[i], fn: in.function(fns[i](f)), base: n})
		}
		in.handlers = append(in.handlers, hs...)
		v := body(f)
		in.handlers = in.handlers[:n]
		return v
	}
}

func compileAssert(c *comp, x *sexp.Cons) code {
	test := c.valueAt(second(x))
	what := second(x).Car
	var args []code
	if places, ok := second(x).Cdr.(*sexp.Cons); ok {
		for cell, ok := places.Cdr.(*sexp.Cons); ok; cell, ok = cell.Cdr.(*sexp.Cons) {
			args = append(args, c.valueAt(cell))
		}
	}
	pos := c.pos
	c.one = true
	return func(f *frame) Value {
		if test(f) != Value(sexp.Nil) {
			return sexp.Nil
		}
		f.in.pos = pos
		if len(args) == 0 {
			e := errAt(pos, what, "the assertion %s failed", show(what))
			e.kind = "SIMPLE-ERROR"
			f.in.fail(e)
		}
		var vs []Value
		for _, k := range args {
			vs = append(vs, k(f))
		}
		f.in.pos = pos
		f.in.raise(f.in.designator(vs[0], vs[1:], "SIMPLE-ERROR"))
		return nil
	}
}

func compileDefineCondition(c *comp, x *sexp.Cons) code {
	name, ok := second(x).Car.(*sexp.Symbol)
	if !ok {
		c.in.failAt(c.pos, second(x).Car, "%s is not a name", show(second(x).Car))
	}
	t := &condType{name: name.Name, sym: name}
	parents := c.in.listOf(third(x).Car, "define-condition")
	type readerDef struct {
		fn     *sexp.Symbol
		slot   string
		writer bool
	}
	var readers []readerDef
	more, _ := third(x).Cdr.(*sexp.Cons)
	if more != nil {
		for _, s := range c.in.listOf(more.Car, "define-condition") {
			items, isList := sexp.Slice(s)
			if isSymbol(s) && s != Value(sexp.Nil) {
				items, isList = []Value{s}, true
			}
			if !isList || len(items)%2 != 1 || !isSymbol(items[0]) {
				c.in.fail(errAt(sexp.PosOf(s).Or(c.pos), s, "malformed slot %s", show(s)).WithExpected("(name :initarg :name :reader name ...)"))
			}
			slot := condSlot{name: items[0].(*sexp.Symbol).Name}
			for i := 1; i < len(items); i += 2 {
				k, _ := items[i].(*sexp.Symbol)
				arg, isSym := items[i+1].(*sexp.Symbol)
				switch {
				case k == nil:
				case k.Name == "INITARG" && isSym:
					slot.args = append(slot.args, arg.Name)
				case (k.Name == "READER" || k.Name == "ACCESSOR") && isSym:
					readers = append(readers, readerDef{arg, slot.name, k.Name == "ACCESSOR"})
				case k.Name == "INITFORM":
					form := items[i+1]
					slot.init = func(f *frame) Value { return one(f.in.eval(form, nil, f.in.pos)) }
				}
			}
			t.slots = append(t.slots, slot)
		}
		for cell, ok := more.Cdr.(*sexp.Cons); ok; cell, ok = cell.Cdr.(*sexp.Cons) {
			opt, isList := sexp.Slice(cell.Car)
			if !isList || len(opt) != 2 || !isSymbol(opt[0]) || opt[0].(*sexp.Symbol).Name != "REPORT" {
				continue
			}
			if s, isStr := opt[1].(*sexp.String); isStr {
				t.report = s
				continue
			}
			t.report = reportFunction(sexp.List(sexp.Function, opt[1]))
		}
	}
	c.one = true
	return func(f *frame) Value {
		in := f.in
		in.condType(in.table.Intern("ERROR"))
		t.parents = nil
		for _, p := range parents {
			s := in.symbol(p)
			pt := in.condType(s)
			if pt == nil {
				in.failAt(source.Pos{}, s, "`%s` is not a condition type", s.Display())
			}
			if pt.is(name.Name) {
				in.failAt(source.Pos{}, s, "the condition `%s` cannot be its own parent", name.Display())
			}
			t.parents = append(t.parents, pt)
		}
		if len(parents) == 0 {
			t.parents = []*condType{in.condType(in.table.Intern("CONDITION"))}
		}
		in.types[name] = t
		for _, r := range readers {
			in.global(r.fn).own(in, goFunction(r.fn.Display(), "condition", func(in *Interp, a []Value) Value {
				cond, ok := a[0].(*Condition)
				if !ok || !cond.typ.is(name.Name) {
					in.typeError(a[0], "a condition of type "+name.Display())
				}
				v, ok := cond.slots[r.slot]
				if !ok {
					in.failAt(source.Pos{}, r.fn, "the slot `%s` of the condition has no value", lower(r.slot))
				}
				return v
			}))
			if r.writer {
				in.global(r.fn).owned(in).setf = goFunction("setf "+r.fn.Display(), "new condition", func(in *Interp, a []Value) Value {
					cond, ok := a[1].(*Condition)
					if !ok {
						in.typeError(a[1], "a condition")
					}
					cond.slots[r.slot] = a[0]
					return a[0]
				})
			}
		}
		return name
	}
}

// reportFunction makes the function of a :report option, evaluated at its
// first use.
func reportFunction(form Value) *Function {
	var fn *Function
	return goFunction("report", "condition stream", func(in *Interp, a []Value) Value {
		if fn == nil {
			fn = in.function(one(in.eval(form, nil, in.pos)))
		}
		return one(in.call(fn, []Value{a[0], a[1]}))
	})
}
