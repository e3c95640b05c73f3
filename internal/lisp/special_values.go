package lisp

import "github.com/whistler-lang/whistler/internal/sexp"

// valueSpecials take and give several values.
func valueSpecials() []special {
	return []special{
		{name: "MULTIPLE-VALUE-BIND", params: "variables form &body body", compile: compileMVBind},
		{name: "MULTIPLE-VALUE-LIST", params: "form", compile: func(c *comp, x *sexp.Cons) code {
			k := c.formAt(second(x))
			c.one = true
			return func(f *frame) Value { return f.in.list(all(k(f))) }
		}},
		{name: "MULTIPLE-VALUE-CALL", params: "function &rest forms", compile: func(c *comp, x *sexp.Cons) code {
			fn := c.valueAt(second(x))
			var ks []code
			for cell, ok := rest(second(x)).(*sexp.Cons); ok; cell, ok = cell.Cdr.(*sexp.Cons) {
				ks = append(ks, c.formAt(cell))
			}
			pos := c.pos
			c.one = false
			return func(f *frame) Value {
				fv := f.in.function(fn(f))
				var args []Value
				for _, k := range ks {
					args = append(args, all(k(f))...)
				}
				f.in.pos = pos
				return f.in.call(fv, args)
			}
		}},
		{name: "MULTIPLE-VALUE-PROG1", params: "first &body body", compile: func(c *comp, x *sexp.Cons) code {
			sig := c.sig
			c.sig = nil
			first := c.formAt(second(x))
			body := c.body(rest(second(x)))
			c.sig = sig
			c.one = false
			return func(f *frame) Value {
				v := first(f)
				body(f)
				return v
			}
		}},
		{name: "MULTIPLE-VALUE-SETQ", params: "variables form", compile: func(c *comp, x *sexp.Cons) code {
			var vars []Value
			for _, v := range c.in.listOf(second(x).Car, "multiple-value-setq") {
				if !isSymbol(v) {
					c.in.failAt(c.pos, v, "%s is not a variable", show(v))
				}
				vars = append(vars, v)
			}
			val := c.formAt(third(x))
			tmp := c.hidden()
			var sets []code
			for i, v := range vars {
				s := v.(*sexp.Symbol)
				if e, ok := c.in.SymbolMacro(s, c.env); ok {
					g := c.in.Gensym("V")
					c.env = &Env{up: c.env, kind: envVar, name: g, v: tmp}
					sets = append(sets, c.form(sexp.List(c.sym("SETF"), e, sexp.List(c.sym("NTH"), int64(i), g))))
					c.env = c.env.up
					continue
				}
				set := c.setter(s)
				sets = append(sets, func(f *frame) Value {
					items, _ := sexp.Slice(f.s[tmp.slot])
					var v Value = sexp.Nil
					if i < len(items) {
						v = items[i]
					}
					set(f, v)
					return v
				})
			}
			c.one = true
			return func(f *frame) Value {
				v := val(f)
				tmp.set(f, f.in.list(all(v)))
				for _, s := range sets {
					s(f)
				}
				return one(v)
			}
		}},
		{name: "NTH-VALUE", params: "n form", compile: func(c *comp, x *sexp.Cons) code {
			n, k := c.valueAt(second(x)), c.formAt(third(x))
			c.one = true
			return func(f *frame) Value {
				i := f.in.index(n(f))
				vs := all(k(f))
				if i < len(vs) {
					return vs[i]
				}
				return sexp.Nil
			}
		}},
	}
}

func compileMVBind(c *comp, x *sexp.Cons) code {
	vars := c.in.listOf(second(x).Car, "multiple-value-bind")
	val := c.formAt(third(x))
	return c.scoped(func() code {
		_, decls, body := c.splitBody(rest(third(x)), false)
		specials := declaredSpecial(decls)
		binds := make([]binder, len(vars))
		for i, v := range vars {
			s, ok := v.(*sexp.Symbol)
			if !ok {
				c.in.failAt(c.pos, v, "%s is not a variable", show(v))
			}
			binds[i] = c.binder(s, specials)
		}
		c.declareRest(decls)
		run := c.body(body)
		return func(f *frame) Value {
			mark := len(f.in.specials)
			vs := all(val(f))
			for i := range binds {
				if i < len(vs) {
					binds[i].set(f, vs[i])
				} else {
					binds[i].set(f, sexp.Nil)
				}
			}
			v := run(f)
			f.in.unbindTo(mark)
			return v
		}
	})
}
