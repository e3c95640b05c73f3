package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

// compileDefsetf compiles both forms of defsetf.
func compileDefsetf(c *comp, x *sexp.Cons) code {
	name, ok := second(x).Car.(*sexp.Symbol)
	items, _ := sexp.Slice(rest(second(x)))
	if !ok || len(items) == 0 {
		c.in.fail(errAt(c.pos, x, "malformed `defsetf`").WithExpected("(defsetf accessor updater) or (defsetf accessor (parameter...) (store) body...)"))
	}
	sym := c.sym
	c.one = true
	if updater, short := items[0].(*sexp.Symbol); short && updater != sexp.Nil {
		return func(f *frame) Value {
			f.in.global(name).owned(f.in).expander = goFunction("setf "+name.Display(), "form environment", func(in *Interp, a []Value) Value {
				vars, vals, args := in.temps(in.listOf(a[0].(*sexp.Cons).Cdr, "setf"))
				g := in.Gensym("NEW")
				return values(sexp.List(vars...), sexp.List(vals...), sexp.List(g),
					sexp.ListStar([]Value{updater}, sexp.List(append(args[:len(args):len(args)], g)...)),
					sexp.ListStar([]Value{name}, sexp.List(args...)))
			})
			return name
		}
	}
	if len(items) < 2 {
		c.in.failAt(c.pos, x, "malformed `defsetf`: no store variables")
	}
	ss, as := c.in.Gensym("STORES"), c.in.Gensym("ARGS")
	forms := rest(third(x)).(*sexp.Cons).Cdr // behind the store variables
	inner := sexp.List(sym("DESTRUCTURING-BIND"), items[0], as, sexp.ListStar([]Value{sym("BLOCK"), name}, dropDoc(forms)))
	lambda := sexp.List(sym("LAMBDA"), sexp.List(ss, as), sexp.List(sym("DESTRUCTURING-BIND"), items[1], ss, inner))
	mk := c.value(lambda)
	stores := length(items[1])
	return func(f *frame) Value {
		fn := mk(f).(*Function)
		f.in.global(name).owned(f.in).expander = goFunction("setf "+name.Display(), "form environment", func(in *Interp, a []Value) Value {
			vars, vals, args := in.temps(in.listOf(a[0].(*sexp.Cons).Cdr, "setf"))
			var gs []Value
			for i := 0; i < stores; i++ {
				gs = append(gs, in.Gensym("NEW"))
			}
			set := in.call2(fn, sexp.List(gs...), sexp.List(args...))
			return values(sexp.List(vars...), sexp.List(vals...), sexp.List(gs...), set, sexp.ListStar([]Value{name}, sexp.List(args...)))
		})
		return name
	}
}

// dropDoc drops a docstring from the head of a body.
func dropDoc(body Value) Value {
	if c, ok := body.(*sexp.Cons); ok {
		if _, isStr := c.Car.(*sexp.String); isStr && !isNil(c.Cdr) {
			return c.Cdr
		}
	}
	return body
}

// compileModifyMacro compiles define-modify-macro.
func compileModifyMacro(c *comp, x *sexp.Cons) code {
	name, ok := second(x).Car.(*sexp.Symbol)
	if !ok {
		c.in.failAt(second(x).At.Or(c.pos), second(x).Car, "%s is not a name", show(second(x).Car))
	}
	list := c.in.listOf(third(x).Car, "define-modify-macro")
	op := third(x).Cdr.(*sexp.Cons).Car
	c.one = true
	return func(f *frame) Value {
		m := goFunction(name.Display(), "form environment", func(in *Interp, a []Value) Value {
			form := a[0].(*sexp.Cons)
			given := in.listOf(form.Cdr, name.Display())
			if len(given) == 0 {
				in.failAt(form.Pos.Or(in.pos), form, "`%s` needs a place", name.Display())
			}
			args := in.modifyArgs(form, list, given[1:])
			c := &comp{in: in, fn: &fnState{}, env: in.envOf(a[1]), pos: form.Pos.Or(in.pos)}
			p := c.place(given[0])
			vars, vals, args := in.temps(args)
			var more []Value
			for i := range vars {
				more = append(more, sexp.List(vars[i], vals[i]))
			}
			more = append(more, sexp.List(p.stores[0], sexp.ListStar([]Value{op, p.get}, sexp.List(args...))))
			return p.around(c, more, p.set)
		})
		m.macro, m.name = true, name
		f.in.global(name).owned(f.in).macro = m
		return name
	}
}

// modifyArgs fits the arguments of a modify macro to its lambda list.
func (in *Interp) modifyArgs(form *sexp.Cons, list, given []Value) (args []Value) {
	optional := false
	for _, p := range list {
		if s, ok := p.(*sexp.Symbol); ok {
			switch s.Name {
			case "&OPTIONAL":
				optional = true
				continue
			case "&REST":
				return append(args, given...)
			}
		}
		switch {
		case len(given) > 0:
			args, given = append(args, given[0]), given[1:]
		case optional:
			var def Value = sexp.Nil
			if items, ok := sexp.Slice(p); ok && len(items) > 1 {
				def = items[1]
			}
			args = append(args, def)
		default:
			in.failAt(form.Pos.Or(in.pos), form, "`%s`: too few arguments", show(form.Car))
		}
	}
	if len(given) > 0 {
		in.failAt(form.Pos.Or(in.pos), form, "`%s`: too many arguments", show(form.Car))
	}
	return args
}
