package lisp

import "github.com/whistler-lang/whistler/internal/sexp"

// bindSpecials bind variables, functions and macros.
func bindSpecials() []special {
	return []special{
		{name: "LET", params: "bindings &body body", compile: func(c *comp, x *sexp.Cons) code { return c.let(x, false) }},
		{name: "LET*", params: "bindings &body body", compile: func(c *comp, x *sexp.Cons) code { return c.let(x, true) }},
		{name: "PROGV", params: "symbols values &body body", compile: compileProgv},
		{name: "FLET", params: "definitions &body body", compile: func(c *comp, x *sexp.Cons) code { return c.flet(x, false) }},
		{name: "LABELS", params: "definitions &body body", compile: func(c *comp, x *sexp.Cons) code { return c.flet(x, true) }},
		{name: "MACROLET", params: "definitions &body body", compile: func(c *comp, x *sexp.Cons) code {
			return c.scoped(func() code {
				c.in.apart()
				c.env = c.in.macrolet(c.env, second(x).Car, c.pos)
				return c.declared(rest(second(x)))
			})
		}},
		{name: "SYMBOL-MACROLET", params: "definitions &body body", compile: func(c *comp, x *sexp.Cons) code {
			return c.scoped(func() code {
				c.env = c.in.symbolMacrolet(c.env, second(x).Car, c.pos)
				return c.declared(rest(second(x)))
			})
		}},
		{name: "DESTRUCTURING-BIND", params: "lambda-list expression &body body", compile: compileDestructuring},
		{name: "PROG", params: "bindings &body body", macro: func(c *comp, x *sexp.Cons) Value { return c.prog(x, "LET") }},
		{name: "PROG*", params: "bindings &body body", macro: func(c *comp, x *sexp.Cons) Value { return c.prog(x, "LET*") }},
		{name: "DECLARE", params: "&rest specifiers", compile: func(c *comp, x *sexp.Cons) code {
			c.in.failAt(c.pos, x, "`declare` stands where no declaration is allowed")
			return nil
		}},
	}
}

// bindingList checks the bindings of a let.
func (c *comp) bindingList(x *sexp.Cons) (names []*sexp.Symbol, inits []*sexp.Cons) {
	who := x.Car.(*sexp.Symbol).Display()
	v := second(x).Car
	for !isNil(v) {
		cell, ok := v.(*sexp.Cons)
		if !ok {
			c.in.fail(errAt(second(x).At.Or(c.pos), v, "malformed bindings of `%s`", who).WithExpected("((variable value)...)"))
		}
		switch b := cell.Car.(type) {
		case *sexp.Symbol:
			names, inits = append(names, b), append(inits, nil)
		case *sexp.Cons:
			name, isSym := b.Car.(*sexp.Symbol)
			n := length(b)
			if !isSym || n < 1 || n > 2 {
				e := errAt(b.Pos.Or(c.pos), b, "malformed binding %s in `%s`", show(b), who).WithExpected("(variable value)")
				if isSym && n == 3 {
					e.WithHint("typed bindings (variable type value) are for program bodies; this is compile-time Lisp")
				}
				c.in.fail(e)
			}
			var init *sexp.Cons
			if n == 2 {
				init = b.Cdr.(*sexp.Cons)
			}
			names, inits = append(names, name), append(inits, init)
		default:
			c.in.fail(errAt(cell.At.Or(c.pos), cell.Car, "malformed binding %s in `%s`", show(cell.Car), who).WithExpected("(variable value)"))
		}
		v = cell.Cdr
	}
	return names, inits
}

func (c *comp) let(x *sexp.Cons, sequential bool) code {
	names, inits := c.bindingList(x)
	_, decls, body := c.splitBody(rest(second(x)), false)
	specials := declaredSpecial(decls)
	env := c.env
	vals := make([]code, len(names))
	binds := make([]binder, len(names))
	special := false
	for i := range names {
		vals[i] = nilCode
		if inits[i] != nil {
			vals[i] = c.valueAt(inits[i])
		}
		if sequential {
			binds[i] = c.binder(names[i], specials)
		}
	}
	if !sequential {
		for i := range names {
			binds[i] = c.binder(names[i], specials)
		}
	}
	for i := range binds {
		special = special || binds[i].v == nil
	}
	c.declareRest(decls)
	run := c.body(body)
	c.env = env
	switch {
	case special:
		return func(f *frame) Value {
			mark := len(f.in.specials)
			if sequential {
				for i, k := range vals {
					binds[i].set(f, k(f))
				}
			} else {
				vs := make([]Value, len(vals))
				for i, k := range vals {
					vs[i] = k(f)
				}
				for i, v := range vs {
					binds[i].set(f, v)
				}
			}
			v := run(f)
			f.in.unbindTo(mark)
			return v
		}
	case len(binds) == 1:
		v, k := binds[0].v, vals[0]
		return func(f *frame) Value {
			v.set(f, k(f))
			return run(f)
		}
	}
	// Slots are not used twice within a function, so parallel bindings can be
	// stored one after the other.
	return func(f *frame) Value {
		for i, k := range vals {
			binds[i].v.set(f, k(f))
		}
		return run(f)
	}
}

func compileProgv(c *comp, x *sexp.Cons) code {
	syms, vals := c.valueAt(second(x)), c.valueAt(third(x))
	sig := c.sig
	c.sig = nil
	body := c.body(rest(third(x)))
	c.sig = sig
	c.one = false
	return func(f *frame) Value {
		names := f.in.listOf(syms(f), "progv")
		vs := f.in.listOf(vals(f), "progv")
		mark := len(f.in.specials)
		for i, n := range names {
			var v Value
			if i < len(vs) {
				v = vs[i]
			}
			f.in.bindSpecial(f.in.global(f.in.symbol(n)), v)
		}
		v := body(f)
		f.in.unbindTo(mark)
		return v
	}
}

// flet compiles local functions; recursive ones see each other.
func (c *comp) flet(x *sexp.Cons, recursive bool) code {
	who := x.Car.(*sexp.Symbol).Display()
	outer := c.env
	var vars []*lexVar
	var makes []func(f *frame) *Function
	type def struct {
		name  Value
		block *sexp.Symbol
		src   *sexp.Cons
	}
	var defs []def
	for v := second(x).Car; !isNil(v); {
		cell, ok := v.(*sexp.Cons)
		if !ok {
			c.in.failAt(c.pos, v, "malformed definitions of `%s`", who)
		}
		src, ok := cell.Car.(*sexp.Cons)
		var name *sexp.Symbol
		kind := envFun
		if ok {
			if name, _ = src.Car.(*sexp.Symbol); name == nil {
				name, kind = setfName(src.Car), envSetf
			}
		}
		if name == nil || src.Cdr == Value(sexp.Nil) {
			c.in.fail(errAt(cell.At.Or(c.pos), cell.Car, "malformed definition %s in `%s`", show(cell.Car), who).WithExpected("(name (parameter...) body...)"))
		}
		defs = append(defs, def{src.Car, name, src})
		lv := c.fn.newVar(name)
		vars = append(vars, lv)
		c.env = &Env{up: c.env, kind: kind, name: name, v: lv}
		v = cell.Cdr
	}
	inner := c.env
	if !recursive {
		c.env = outer
	}
	for _, d := range defs {
		makes = append(makes, c.closure(d.name, d.src, 1, d.src.Pos.Or(c.pos), d.block))
	}
	c.env = inner
	body := c.declared(rest(second(x)))
	c.env = outer
	if !recursive {
		return func(f *frame) Value {
			for i, mk := range makes {
				vars[i].set(f, mk(f))
			}
			return body(f)
		}
	}
	return func(f *frame) Value {
		// The variables exist before the closures that capture them.
		for _, v := range vars {
			v.set(f, sexp.Nil)
		}
		for i, mk := range makes {
			fn := mk(f)
			if b, ok := f.s[vars[i].slot].(*box); ok {
				b.v = fn
			} else {
				f.s[vars[i].slot] = fn
			}
		}
		return body(f)
	}
}

func compileDestructuring(c *comp, x *sexp.Cons) code {
	val := c.valueAt(third(x))
	return c.scoped(func() code {
		_, decls, body := c.splitBody(rest(third(x)), false)
		pos := c.pos
		pat := c.pattern(second(x).Car, true, decls, nil)
		c.declareRest(decls)
		run := c.body(body)
		return func(f *frame) Value {
			v := val(f)
			f.in.pos = pos
			mark := len(f.in.specials)
			f.in.destructure(f, pat, v, v, nil)
			r := run(f)
			f.in.unbindTo(mark)
			return r
		}
	})
}

// prog rewrites (prog (bindings) . body) to block, let and tagbody.
func (c *comp) prog(x *sexp.Cons, let string) Value {
	_, decls, body := c.splitBody(rest(second(x)), false)
	inner := append([]Value{c.sym(let), second(x).Car}, decls...)
	inner = append(inner, &sexp.Cons{Car: c.sym("TAGBODY"), Cdr: body})
	return sexp.List(c.sym("BLOCK"), sexp.Nil, sexp.List(inner...))
}
