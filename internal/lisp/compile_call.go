package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// list compiles an operator form.
func (c *comp) list(x *sexp.Cons) code {
	head, ok := x.Car.(*sexp.Symbol)
	if !ok {
		if l, isList := x.Car.(*sexp.Cons); isList {
			if s, isSym := l.Car.(*sexp.Symbol); isSym && s.Name == "LAMBDA" {
				return c.callCode(c.valueAt(&sexp.Cons{Car: l, At: l.Pos}), x)
			}
		}
		c.in.fail(errAt(x.At.Or(c.pos), x.Car, "%s is not an operator", show(x.Car)).WithExpected("a function, macro or special form first in the list"))
	}
	if b := c.env.function(head); b != nil {
		switch b.kind {
		case envFun:
			return c.callCode(c.get(b.v), x)
		case envMacro:
			return c.macroCall(b.fn, x)
		}
		c.in.failAt(x.At.Or(c.pos), head, "`%s` is a function of the program: compile-time code cannot call it", head.Display())
	}
	if head.Interned && !head.Keyword {
		if sf := findSpecial(head.Name); sf != nil {
			n := length(x.Cdr)
			if n < sf.min || sf.max >= 0 && n > sf.max {
				c.malformed(x, n, sf.params)
			}
			if sf.macro != nil {
				c.in.pos = c.pos
				return c.again(sf.macro(c, x))
			}
			return sf.compile(c, x)
		}
		if sp := c.in.hostSpecial(head.Name); sp != nil {
			return c.hostForm(sp, x)
		}
	}
	if m := c.in.evalMacro(head); m != nil {
		return c.macroCall(m, x)
	}
	return c.globalCall(head, x)
}

// again compiles an expansion in place of the form.
func (c *comp) again(x Value) code {
	c.deeper()
	k := c.tail(x)
	c.shallower()
	return k
}

func (c *comp) malformed(x *sexp.Cons, n int, params string) {
	head := x.Car.(*sexp.Symbol).Display()
	if n < 0 {
		c.in.fail(errAt(c.pos, x, "`%s` is a dotted list", head).WithExpected("(%s %s)", head, params))
	}
	c.in.fail(errAt(c.pos, x, "`%s` with %s", head, count(n, "argument")).WithExpected("(%s)", joinWords(head, params)))
}

func (c *comp) macroCall(m *Function, x *sexp.Cons) code {
	in := c.in
	saved := in.pos
	in.pos = c.pos
	in.startExpanding(m, c.pos)
	k := c.again(in.expand(m, x, c.env))
	in.expanding = in.expanding[:len(in.expanding)-1]
	in.pos = saved
	return k
}

// hostForm calls a special operator of the host. It sees the values of the
// variables around it through the environment.
func (c *comp) hostForm(sp *Special, x *sexp.Cons) code {
	env, pos := c.env, c.pos
	type visible struct {
		v   *lexVar
		box func(f *frame) *box
	}
	var vars []visible
	for e := env; e != nil; e = e.up {
		if e.kind == envVar || e.kind == envFun || e.kind == envSetf {
			if env.liveBox(e.v) == nil {
				vars = append(vars, visible{e.v, c.boxOf(e.v)})
			}
		}
	}
	return func(f *frame) Value {
		f.in.step()
		f.in.pos = pos
		e := env
		if len(vars) > 0 {
			e = &Env{up: env, kind: envLive, live: make(map[*lexVar]*box, len(vars))}
			for _, v := range vars {
				e.live[v.v] = v.box(f)
			}
		}
		now := sp
		if other := f.in.hostSpecial(sp.Name); other != nil { // Extend has hidden it since
			now = other
		}
		return now.Fn(f.in, x, e)
	}
}

// args compiles the arguments of a call.
func (c *comp) args(x *sexp.Cons) []code {
	var ks []code
	rest := x.Cdr
	for {
		cell, ok := rest.(*sexp.Cons)
		if !ok {
			break
		}
		ks = append(ks, c.valueAt(cell))
		rest = cell.Cdr
		if len(ks) > 100_000 {
			c.in.failAt(c.pos, x, "a call with more than 100000 arguments")
		}
	}
	if rest != Value(sexp.Nil) {
		c.in.fail(errAt(c.pos, x, "this call is a dotted list").WithExpected("(%s argument...)", show(x.Car)))
	}
	return ks
}

// globalCall compiles a call of a function that is looked up by name: it may
// be defined later.
func (c *comp) globalCall(head *sexp.Symbol, x *sexp.Cons) code {
	pos, at := c.pos, x.At.Or(c.pos)
	args := c.args(x)
	g, env := c.ref(head), c.env
	var builtin *Function
	if c.in.global(head).fn == nil {
		builtin = c.in.builtinFor(head)
	}
	c.one = builtin != nil && !manyValued[head.Name]
	if builtin != nil && builtin.host && g.shared() {
		builtin = nil // each evaluator has its own
	}
	if builtin != nil {
		if n := len(args); n < builtin.min || builtin.max >= 0 && n > builtin.max {
			c.in.pos = c.pos
		}
		switch len(args) {
		case 1:
			if builtin.min <= 1 && (builtin.max < 0 || builtin.max >= 1) {
				return c.call1(g, builtin, args[0], quick1[head.Name], pos)
			}
		case 2:
			if builtin.min <= 2 && (builtin.max < 0 || builtin.max >= 2) {
				quick := quick2[head.Name]
				if test := quickTests[head.Name]; test != nil {
					quick = func(a, b Value) (Value, bool) {
						yes, ok := test(a, b)
						return truth(yes), ok
					}
				}
				return c.call2(g, builtin, args[0], args[1], quick, pos)
			}
		}
	}
	single := c.one
	return func(f *frame) Value {
		in := f.in
		n := len(in.stack)
		for _, a := range args {
			v := a(f)
			in.stack = append(in.stack, v)
		}
		fn := g.fn(in, builtin)
		if fn == nil {
			if fn = builtin; fn == nil {
				if fn = in.globalFunction(head); fn == nil {
					in.undefined(head, at, env)
				}
			}
		}
		in.pos = pos
		v := in.call(fn, in.stack[n:len(in.stack):len(in.stack)])
		in.stack = in.stack[:n]
		if single {
			return one(v)
		}
		return v
	}
}

// call1 and call2 are calls of a standard function with few arguments.
func (c *comp) call1(g ref, builtin *Function, a code, quick func(Value) (Value, bool), pos source.Pos) code {
	return func(f *frame) Value {
		in := f.in
		v := a(f)
		own := g.fn(in, builtin)
		if quick != nil && own == nil {
			if r, ok := quick(v); ok {
				in.step()
				return r
			}
		}
		n := len(in.stack)
		in.stack = append(in.stack, v)
		in.pos = pos
		if own != nil {
			v = one(in.call(own, in.stack[n:n+1:n+1]))
		} else {
			in.step()
			v = builtin.fn(in, in.stack[n:n+1:n+1])
		}
		in.stack = in.stack[:n]
		return v
	}
}

func (c *comp) call2(g ref, builtin *Function, a, b code, quick func(a, b Value) (Value, bool), pos source.Pos) code {
	slow := slow2(g, builtin, pos)
	if quick == nil {
		return func(f *frame) Value {
			v := a(f)
			return slow(v, b(f), f)
		}
	}
	return func(f *frame) Value {
		v := a(f)
		w := b(f)
		if g.fn(f.in, builtin) == nil {
			if r, ok := quick(v, w); ok {
				f.in.step()
				return r
			}
		}
		return slow(v, w, f)
	}
}

// slow2 calls the function itself.
func slow2(g ref, builtin *Function, pos source.Pos) func(v, w Value, f *frame) Value {
	return func(v, w Value, f *frame) Value {
		in := f.in
		n := len(in.stack)
		in.stack = append(in.stack, v, w)
		in.pos = pos
		if own := g.fn(in, builtin); own != nil {
			v = one(in.call(own, in.stack[n:n+2:n+2]))
		} else {
			in.step()
			v = builtin.fn(in, in.stack[n:n+2:n+2])
		}
		in.stack = in.stack[:n]
		return v
	}
}

// callCode compiles a call of the function that fn gives.
func (c *comp) callCode(fn code, x *sexp.Cons) code {
	pos := c.pos
	args := c.args(x)
	c.one = false
	return func(f *frame) Value {
		in := f.in
		fv := fn(f)
		n := len(in.stack)
		for _, a := range args {
			v := a(f)
			in.stack = append(in.stack, v)
		}
		in.pos = pos
		v := in.call(fv.(*Function), in.stack[n:len(in.stack):len(in.stack)])
		in.stack = in.stack[:n]
		return v
	}
}
