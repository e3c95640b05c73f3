package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// defineSpecials define global things, or accept what means nothing here.
func defineSpecials() []special {
	ignored := func(name string) special {
		return special{name: name, params: "&rest ignored", compile: func(c *comp, x *sexp.Cons) code {
			c.one = true
			return nilCode
		}}
	}
	variable := func(name string, compile func(g *global, val code, has bool) code) special {
		return special{name: name, params: "name &optional value docstring", compile: func(c *comp, x *sexp.Cons) code {
			s, ok := second(x).Car.(*sexp.Symbol)
			if !ok || s.Keyword || s == sexp.Nil || s == sexp.T {
				c.in.failAt(second(x).At.Or(c.pos), second(x).Car, "%s cannot be a variable", show(second(x).Car))
			}
			c.in.apart()
			g := c.in.global(s)
			var val code = nilCode
			cell, has := second(x).Cdr.(*sexp.Cons)
			if has {
				val = c.valueAt(cell)
				if d, ok := cell.Cdr.(*sexp.Cons); ok {
					if text, ok := d.Car.(*sexp.String); ok {
						g.varDoc = text.String()
					}
				}
			}
			pos := c.pos
			k := compile(g, val, has)
			if name != "DEFCONSTANT" {
				g.owned(c.in).special = true
			}
			c.one = true
			return func(f *frame) Value {
				k(f)
				f.in.pos = pos
				return s
			}
		}}
	}
	return []special{
		{name: "DEFUN", params: "name lambda-list &body body", compile: compileDefun},
		{name: "DEFMACRO", params: "name lambda-list &body body", compile: compileDefun},
		variable("DEFVAR", func(g *global, val code, has bool) code {
			return func(f *frame) Value {
				if g.constant {
					f.in.failAt(source.Pos{}, g.sym, "`%s` is a constant already", g.sym.Display())
				}
				if g.owned(f.in).special = true; has && g.val == nil {
					g.val = val(f)
				}
				return nil
			}
		}),
		variable("DEFPARAMETER", func(g *global, val code, has bool) code {
			return func(f *frame) Value {
				if g.constant {
					f.in.failAt(source.Pos{}, g.sym, "`%s` is a constant already", g.sym.Display())
				}
				g.owned(f.in).special = true
				g.val = val(f)
				return nil
			}
		}),
		variable("DEFCONSTANT", func(g *global, val code, has bool) code {
			return func(f *frame) Value {
				v := val(f)
				if g.constant && g.val != nil && !f.in.equal(g.val, v) {
					f.in.failAt(source.Pos{}, g.sym, "the constant `%s` is %s already; it cannot become %s", g.sym.Display(), show(g.val), show(v))
				}
				if g.val == nil || !g.constant {
					f.in.consts = append(f.in.consts, g)
				}
				g.owned(f.in)
				g.val, g.constant = v, true
				return nil
			}
		}),
		{name: "DEFINE-SYMBOL-MACRO", params: "name expansion", compile: func(c *comp, x *sexp.Cons) code {
			s, ok := second(x).Car.(*sexp.Symbol)
			if !ok {
				c.in.failAt(c.pos, second(x).Car, "%s is not a symbol", show(second(x).Car))
			}
			c.in.apart()
			g, exp := c.in.global(s), third(x).Car
			g.owned(c.in).symMacro = exp
			c.one = true
			return constant(s)
		}},
		{name: "DEFTYPE", params: "name lambda-list &body body", compile: func(c *comp, x *sexp.Cons) code {
			s, ok := second(x).Car.(*sexp.Symbol)
			if !ok {
				c.in.failAt(c.pos, second(x).Car, "%s is not a symbol", show(second(x).Car))
			}
			fn := &Function{name: s, src: x, macro: true, pos: c.pos, env: c.env}
			c.in.apart()
			g := c.in.global(s)
			c.one = true
			return func(f *frame) Value { g.owned(f.in).deftype = fn; return s }
		}},
		ignored("DECLAIM"), ignored("DEFPACKAGE"), ignored("IN-PACKAGE"), ignored("DEFINE-COMPILER-MACRO"),
		ignored("WITH-BPF-OBJECT"), // of user space, like the rest of a session
	}
}

// compileDefun compiles a defun or defmacro that is not at top level: its
// function is a closure.
func compileDefun(c *comp, x *sexp.Cons) code {
	c.in.apart()
	macro := x.Car.(*sexp.Symbol).Name == "DEFMACRO"
	if c.env == nil {
		pos := c.pos
		c.one = true
		return func(f *frame) Value { return f.in.define(x, macro, pos) }
	}
	s := c.definedName(x, macro)
	if macro {
		// A macro may use the variables around it, as a special operator does.
		sp := &Special{Fn: func(in *Interp, form *sexp.Cons, env *Env) Value {
			in.global(s).owned(in).macro = &Function{name: s, src: x, macro: true, pos: sexp.PosOf(form), env: env}
			return s
		}}
		c.one = true
		return c.hostForm(sp, x)
	}
	name := second(x).Car
	k := c.closure(name, x, 2, c.pos, s)
	set := setfName(name)
	c.one = true
	return func(f *frame) Value {
		fn := k(f)
		if set != nil {
			f.in.global(set).owned(f.in).setf = fn
		} else {
			f.in.global(s).own(f.in, fn)
		}
		return name
	}
}

// definedName checks the name of a defun or defmacro.
func (c *comp) definedName(x *sexp.Cons, macro bool) *sexp.Symbol {
	return c.in.definedName(x, macro, c.pos)
}

func (in *Interp) definedName(x *sexp.Cons, macro bool, pos source.Pos) *sexp.Symbol {
	who := x.Car.(*sexp.Symbol).Display()
	if n := length(x); n < 3 {
		in.fail(errAt(pos, x, "malformed `%s`", who).WithExpected("(%s name (parameter...) body...)", who))
	}
	cell := second(x)
	s, ok := cell.Car.(*sexp.Symbol)
	if !ok && !macro {
		s = setfName(cell.Car)
	}
	if s == nil || s.Keyword || s == sexp.Nil || s == sexp.T {
		in.failAt(cell.At.Or(pos), cell.Car, "%s cannot be the name of a `%s`", show(cell.Car), who)
	}
	if sf := findSpecial(s.Name); sf != nil && !macro && ok && s.Interned {
		in.failAt(cell.At.Or(pos), s, "`%s` is a standard operator: a function cannot have its name", s.Display())
	}
	return s
}

// define records a defun or defmacro of the top level; its body is compiled
// at the first call.
func (in *Interp) define(x *sexp.Cons, macro bool, pos source.Pos) Value {
	in.step()
	s := in.definedName(x, macro, pos)
	name := second(x).Car
	fn := &Function{name: name, src: x, macro: macro, pos: x.Pos.Or(pos)}
	g := in.global(s)
	switch {
	case macro:
		g.owned(in).macro = fn
		g.fn = nil
	case s == name:
		g.own(in, fn)
		if g.macro != nil && !g.macro.prelude {
			g.macro = nil
		}
	default:
		g.owned(in).setf = fn
	}
	return name
}
