package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

// car, cadr and caddr of a form whose length has been checked.
func second(x *sexp.Cons) *sexp.Cons { return x.Cdr.(*sexp.Cons) }
func third(x *sexp.Cons) *sexp.Cons  { return second(x).Cdr.(*sexp.Cons) }

func rest(x *sexp.Cons) Value { return x.Cdr }

// basicSpecials are the operators that everything else is made of.
func basicSpecials() []special {
	return []special{
		{name: "QUOTE", params: "datum", compile: func(c *comp, x *sexp.Cons) code {
			c.one = true
			return constant(second(x).Car)
		}},
		{name: "FUNCTION", params: "name", compile: compileFunctionForm},
		{name: "LAMBDA", params: "lambda-list &body body", compile: func(c *comp, x *sexp.Cons) code {
			k := c.closure(nil, x, 1, c.pos, nil)
			c.one = true
			return func(f *frame) Value { return k(f) }
		}},
		{name: "PROGN", params: "&body body", compile: func(c *comp, x *sexp.Cons) code { return c.body(rest(x)) }},
		{name: "EVAL-WHEN", params: "situations &body body", compile: func(c *comp, x *sexp.Cons) code { return c.body(rest(second(x))) }},
		{name: "LOCALLY", params: "&body body", compile: func(c *comp, x *sexp.Cons) code {
			return c.scoped(func() code { return c.declared(rest(x)) })
		}},
		{name: "THE", params: "type form", compile: func(c *comp, x *sexp.Cons) code { return c.tailAt(third(x)) }},
		{name: "LOAD-TIME-VALUE", params: "form &optional read-only", compile: func(c *comp, x *sexp.Cons) code {
			return c.value(second(x).Car)
		}},
		{name: "IF", params: "test then &optional else", compile: compileIf},
		{name: "WHEN", params: "test &body body", compile: func(c *comp, x *sexp.Cons) code { return c.when(x, true) }},
		{name: "UNLESS", params: "test &body body", compile: func(c *comp, x *sexp.Cons) code { return c.when(x, false) }},
		{name: "AND", params: "&rest forms", compile: compileAnd},
		{name: "OR", params: "&rest forms", compile: compileOr},
		{name: "COND", params: "&rest clauses", compile: compileCond},
		{name: "SETQ", params: "&rest pairs", compile: compileSetq},
		{name: "PSETQ", params: "&rest pairs", compile: compilePsetq},
		{name: "PROG1", params: "first &body body", compile: func(c *comp, x *sexp.Cons) code {
			sig := c.sig
			c.sig = nil
			first := c.valueAt(second(x))
			body := c.body(rest(second(x)))
			c.sig = sig
			c.one = true
			return func(f *frame) Value {
				v := first(f)
				body(f)
				return v
			}
		}},
		{name: "PROG2", params: "first second &body body", compile: func(c *comp, x *sexp.Cons) code {
			sig := c.sig
			c.sig = nil
			before := c.formAt(second(x))
			first := c.valueAt(third(x))
			body := c.body(rest(third(x)))
			c.sig = sig
			c.one = true
			return func(f *frame) Value {
				before(f)
				v := first(f)
				body(f)
				return v
			}
		}},
	}
}

// declared compiles a body that starts with declarations.
func (c *comp) declared(body Value) code {
	_, decls, forms := c.splitBody(body, false)
	c.declareRest(decls)
	return c.body(forms)
}

func compileFunctionForm(c *comp, x *sexp.Cons) code {
	cell := second(x)
	pos := cell.At.Or(c.pos)
	switch n := cell.Car.(type) {
	case *sexp.Symbol:
		if b := c.env.function(n); b != nil {
			if b.kind != envFun {
				c.in.failAt(pos, n, "`%s` is not a function of compile-time Lisp", n.Display())
			}
			c.one = true
			return c.get(b.v)
		}
		env := c.env
		c.one = true
		return func(f *frame) Value {
			if fn := f.in.globalFunction(n); fn != nil {
				return fn
			}
			f.in.undefined(n, pos, env)
			return nil
		}
	case *sexp.Cons:
		if s, ok := n.Car.(*sexp.Symbol); ok && s.Name == "LAMBDA" && n.Cdr != Value(sexp.Nil) {
			k := c.closure(nil, n, 1, n.Pos.Or(pos), nil)
			c.one = true
			return func(f *frame) Value { return k(f) }
		}
		if name := setfName(n); name != nil {
			c.one = true
			if b := c.localSetf(name); b != nil {
				return c.get(b.v)
			}
			return func(f *frame) Value {
				fn := f.in.setfFunction(name)
				if fn == nil {
					f.in.failAt(pos, n, "the function %s is not defined", show(n))
				}
				return fn
			}
		}
	}
	c.in.fail(errAt(pos, cell.Car, "%s does not name a function", show(cell.Car)).WithExpected("a name, (setf name) or (lambda (parameter...) body...)"))
	return nil
}

func (c *comp) localSetf(name *sexp.Symbol) *Env {
	for e := c.env; e != nil; e = e.up {
		if e.kind == envSetf && e.name == name {
			return e
		}
	}
	return nil
}

func compileIf(c *comp, x *sexp.Cons) code {
	test := c.testAt(second(x))
	then := c.tailAt(third(x))
	single := c.one
	els := code(nilCode)
	if e, ok := third(x).Cdr.(*sexp.Cons); ok {
		els = c.tailAt(e)
		single = single && c.one
	}
	c.one = single
	return func(f *frame) Value {
		if test(f) {
			return then(f)
		}
		return els(f)
	}
}

// testAt compiles a form of which only truth matters.
func (c *comp) testAt(cell *sexp.Cons) func(f *frame) bool {
	if x, ok := cell.Car.(*sexp.Cons); ok {
		if s, ok := x.Car.(*sexp.Symbol); ok && (s.Name == "NOT" || s.Name == "NULL") && s.Interned && length(x.Cdr) == 1 &&
			c.env.function(s) == nil && c.in.global(s).fn == nil {
			c.deeper()
			k := c.testAt(second(x))
			c.shallower()
			return func(f *frame) bool { return !k(f) }
		}
		saved := c.pos
		c.pos = cell.At.Or(saved)
		k := c.quickTest(x)
		c.pos = saved
		if k != nil {
			return k
		}
	}
	k := c.valueAt(cell)
	return func(f *frame) bool { return k(f) != Value(sexp.Nil) }
}

func (c *comp) when(x *sexp.Cons, want bool) code {
	test := c.testAt(second(x))
	body := c.body(rest(second(x)))
	return func(f *frame) Value {
		if test(f) == want {
			return body(f)
		}
		return sexp.Nil
	}
}

func compileAnd(c *comp, x *sexp.Cons) code {
	return c.chain(x, false, sexp.T)
}

func compileOr(c *comp, x *sexp.Cons) code {
	return c.chain(x, true, sexp.Nil)
}

// chain compiles and/or: it stops at the first value whose truth is stop.
func (c *comp) chain(x *sexp.Cons, stop bool, empty Value) code {
	var ks []code
	cell, ok := x.Cdr.(*sexp.Cons)
	if !ok {
		c.one = true
		return constant(empty)
	}
	for {
		next, more := cell.Cdr.(*sexp.Cons)
		if !more {
			break
		}
		ks = append(ks, c.valueAt(cell))
		cell = next
	}
	last := c.tailAt(cell)
	if len(ks) == 1 {
		a := ks[0]
		return func(f *frame) Value {
			if v := a(f); (v != Value(sexp.Nil)) == stop {
				return v
			}
			return last(f)
		}
	}
	return func(f *frame) Value {
		for _, k := range ks {
			if v := k(f); (v != Value(sexp.Nil)) == stop {
				return v
			}
		}
		return last(f)
	}
}

func compileCond(c *comp, x *sexp.Cons) code {
	type clause struct {
		test code
		body code // nil: the value of the test
	}
	var clauses []clause
	for cell, ok := x.Cdr.(*sexp.Cons); ok; cell, ok = cell.Cdr.(*sexp.Cons) {
		cl, isList := cell.Car.(*sexp.Cons)
		if !isList {
			c.in.fail(errAt(cell.At.Or(c.pos), cell.Car, "malformed cond clause %s", show(cell.Car)).WithExpected("(test form...)"))
		}
		pos := c.pos
		c.pos = cl.Pos.Or(pos)
		k := clause{test: c.valueAt(cl)}
		if !isNil(cl.Cdr) {
			k.body = c.body(cl.Cdr)
		}
		c.pos = pos
		clauses = append(clauses, k)
	}
	c.one = false
	return func(f *frame) Value {
		for i := range clauses {
			if v := clauses[i].test(f); v != Value(sexp.Nil) {
				if clauses[i].body == nil {
					return v
				}
				return clauses[i].body(f)
			}
		}
		return sexp.Nil
	}
}

// setqPairs checks the form of setq and psetq.
func (c *comp) setqPairs(x *sexp.Cons) (names []*sexp.Symbol, cells []*sexp.Cons) {
	for v := x.Cdr; !isNil(v); {
		cell := v.(*sexp.Cons)
		name, ok := cell.Car.(*sexp.Symbol)
		if !ok {
			c.in.fail(errAt(cell.At.Or(c.pos), cell.Car, "%s is not a variable", show(cell.Car)).WithHint("`setf` sets places"))
		}
		value, more := cell.Cdr.(*sexp.Cons)
		if !more {
			c.in.failAt(cell.At.Or(c.pos), cell.Car, "`%s` has no value for `%s`", x.Car.(*sexp.Symbol).Display(), name.Display())
		}
		names, cells = append(names, name), append(cells, value)
		v = value.Cdr
	}
	return names, cells
}

func compileSetq(c *comp, x *sexp.Cons) code {
	names, cells := c.setqPairs(x)
	var ks []code
	for i, s := range names {
		if e, ok := c.in.SymbolMacro(s, c.env); ok {
			ks = append(ks, c.form(sexp.List(c.sym("SETF"), e, cells[i].Car)))
			continue
		}
		val := c.valueAt(cells[i])
		set := c.setter(s)
		ks = append(ks, func(f *frame) Value {
			v := val(f)
			set(f, v)
			return v
		})
	}
	c.one = true
	switch len(ks) {
	case 0:
		return nilCode
	case 1:
		return ks[0]
	}
	return func(f *frame) (v Value) {
		for _, k := range ks {
			v = k(f)
		}
		return v
	}
}

func compilePsetq(c *comp, x *sexp.Cons) code {
	names, cells := c.setqPairs(x)
	var vals []code
	for _, cell := range cells {
		vals = append(vals, c.valueAt(cell))
	}
	var sets []func(f *frame, v Value)
	for _, s := range names {
		if _, ok := c.in.SymbolMacro(s, c.env); ok {
			return c.again(&sexp.Cons{Car: c.sym("PSETF"), Cdr: x.Cdr})
		}
		sets = append(sets, c.setter(s))
	}
	c.one = true
	return func(f *frame) Value {
		vs := make([]Value, len(vals))
		for i, k := range vals {
			vs[i] = k(f)
		}
		for i, set := range sets {
			set(f, vs[i])
		}
		return sexp.Nil
	}
}

// sym is the symbol of a standard name.
func (c *comp) sym(name string) *sexp.Symbol { return c.in.table.Intern(name) }
