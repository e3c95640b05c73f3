package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A place is the five values of get-setf-expansion: the subforms of a place
// are evaluated once, into vars; set stores the variables stores, get reads.
type place struct {
	vars, vals, stores []Value
	set, get           Value
}

// setfSpecials read and write places.
func setfSpecials() []special {
	return []special{
		{name: "SETF", params: "&rest places-and-values", compile: compileSetf},
		{name: "PSETF", params: "&rest places-and-values", macro: psetf},
		{name: "INCF", params: "place &optional delta", macro: func(c *comp, x *sexp.Cons) Value { return c.modify(x, "+") }},
		{name: "DECF", params: "place &optional delta", macro: func(c *comp, x *sexp.Cons) Value { return c.modify(x, "-") }},
		{name: "PUSH", params: "item place", macro: func(c *comp, x *sexp.Cons) Value { return c.push(x, "CONS") }},
		{name: "PUSHNEW", params: "item place &key key test test-not", macro: func(c *comp, x *sexp.Cons) Value { return c.push(x, "ADJOIN") }},
		{name: "POP", params: "place", macro: func(c *comp, x *sexp.Cons) Value {
			p := c.place(second(x).Car)
			g := c.in.Gensym("LIST")
			return p.around(c, []Value{sexp.List(g, p.get), sexp.List(p.stores[0], sexp.List(c.sym("CDR"), g))},
				p.set, sexp.List(c.sym("CAR"), g))
		}},
		{name: "REMF", params: "place indicator", macro: func(c *comp, x *sexp.Cons) Value {
			p := c.place(second(x).Car)
			ind, had := c.in.Gensym("IND"), c.in.Gensym("HAD")
			return p.around(c, []Value{sexp.List(ind, third(x).Car), sexp.List(had, p.get),
				sexp.List(p.stores[0], sexp.List(c.sym("%REMF"), had, ind))},
				p.set, sexp.List(c.sym("NOT"), sexp.List(c.sym("EQ"), had, p.stores[0])))
		}},
		{name: "ROTATEF", params: "&rest places", macro: func(c *comp, x *sexp.Cons) Value { return c.rotate(x, true) }},
		{name: "SHIFTF", params: "place &rest places-and-value", macro: func(c *comp, x *sexp.Cons) Value { return c.rotate(x, false) }},
		{name: "DEFSETF", params: "accessor &rest definition", compile: compileDefsetf},
		{name: "DEFINE-SETF-EXPANDER", params: "name lambda-list &body body", compile: func(c *comp, x *sexp.Cons) code {
			s, ok := second(x).Car.(*sexp.Symbol)
			if !ok {
				c.in.failAt(second(x).At.Or(c.pos), second(x).Car, "%s is not a name", show(second(x).Car))
			}
			fn := &Function{name: s, src: x, macro: true, pos: c.pos, env: c.env}
			c.one = true
			return func(f *frame) Value {
				f.in.global(s).owned(f.in).expander = fn
				return s
			}
		}},
		{name: "DEFINE-MODIFY-MACRO", params: "name lambda-list function &optional docstring", compile: compileModifyMacro},
	}
}

// place expands a place in the current environment.
func (c *comp) place(x Value) place {
	c.in.pos = sexp.PosOf(x).Or(c.pos)
	return c.in.place(x, c.env, c.in.pos)
}

// around builds (let* (vars... more...) body...).
func (p place) around(c *comp, more []Value, body ...Value) Value {
	var binds []Value
	for i := range p.vars {
		binds = append(binds, sexp.List(p.vars[i], p.vals[i]))
	}
	binds = append(binds, more...)
	return sexp.List(append([]Value{c.sym("LET*"), sexp.List(binds...)}, body...)...)
}

// isConstantForm reports whether x may be evaluated any number of times.
func isConstantForm(x Value) bool {
	switch x := x.(type) {
	case *sexp.Symbol:
		return x.Keyword || x == sexp.Nil || x == sexp.T
	case *sexp.Cons:
		return x.Car == Value(sexp.Quote) || x.Car == Value(sexp.Function)
	}
	return true
}

// temps gives each argument form a variable, constants excepted; args are
// what stands for them.
func (in *Interp) temps(forms []Value) (vars, vals, args []Value) {
	for _, x := range forms {
		if isConstantForm(x) {
			args = append(args, x)
			continue
		}
		g := in.Gensym("ARG")
		vars, vals, args = append(vars, g), append(vals, x), append(args, g)
	}
	return vars, vals, args
}

// place is get-setf-expansion.
func (in *Interp) place(x Value, env *Env, pos source.Pos) place {
	in.enter()
	defer in.leave()
	sym := in.table.Intern
	switch x := x.(type) {
	case *sexp.Symbol:
		if e, ok := in.SymbolMacro(x, env); ok {
			return in.place(e, env, pos)
		}
		if x.Keyword || x == sexp.Nil || x == sexp.T {
			break
		}
		g := in.Gensym("NEW")
		return place{stores: []Value{g}, set: sexp.List(sym("SETQ"), x, g), get: x}
	case *sexp.Cons:
		head, ok := x.Car.(*sexp.Symbol)
		forms, proper := sexp.Slice(x.Cdr)
		if !ok || !proper {
			break
		}
		if m := env.localMacro(head); m != nil {
			e, _ := in.expand1(x, env)
			return in.place(e, env, pos)
		}
		if fn := in.global(head).expander; fn != nil {
			vs := all(in.call(fn, []Value{x, envValue(env)}))
			if len(vs) != 5 {
				in.failAt(pos, x, "the setf expander of `%s` gave %s", head.Display(), count(len(vs), "value"))
			}
			return place{in.listOf(vs[0], "setf"), in.listOf(vs[1], "setf"), in.listOf(vs[2], "setf"), vs[3], vs[4]}
		}
		if p, ok := in.standardPlace(head, forms, env, pos); ok {
			return p
		}
		setter := env.function(head)
		if setter == nil && in.setfFunction(head) != nil || in.localSetf(env, head) {
			vars, vals, args := in.temps(forms)
			g := in.Gensym("NEW")
			name := sexp.List(sexp.Function, sexp.List(sym("SETF"), head))
			return place{vars, vals, []Value{g},
				sexp.ListStar([]Value{sym("FUNCALL"), name, g}, sexp.List(args...)),
				&sexp.Cons{Car: head, Cdr: sexp.List(args...), Pos: x.Pos}}
		}
		if setter == nil && in.macroFor(head, env) != nil {
			e, _ := in.expand1(x, env)
			return in.place(e, env, pos)
		}
		e := errAt(pos, x, "%s is not a place that can be set", show(x)).WithExpected("a variable, or the form of an accessor with a setf function")
		if findRow(head.Name) == nil && in.global(head).fn == nil {
			if near := in.nearest(head.Name, in.operatorNames(env)); near != "" {
				e.DidYouMean(lower(near))
			}
		}
		in.fail(e)
	}
	in.failAt(pos, x, "%s is not a place that can be set", show(x))
	return place{}
}

func envValue(env *Env) Value {
	if env == nil {
		return sexp.Nil
	}
	return env
}

func (in *Interp) localSetf(env *Env, name *sexp.Symbol) bool {
	for ; env != nil; env = env.up {
		if env.kind == envSetf && env.name == name {
			return true
		}
	}
	return false
}

// standardPlace knows the places that are more than a call of a function.
func (in *Interp) standardPlace(head *sexp.Symbol, forms []Value, env *Env, pos source.Pos) (place, bool) {
	if !head.Interned || head.Keyword {
		return place{}, false
	}
	sym := in.table.Intern
	switch n := len(forms); head.Name {
	case "THE":
		if n == 2 {
			return in.place(forms[1], env, pos), true
		}
	case "VALUES":
		var p place
		var sets, gets []Value
		for _, x := range forms {
			q := in.place(x, env, pos)
			p.vars, p.vals = append(p.vars, q.vars...), append(p.vals, q.vals...)
			p.stores = append(p.stores, q.stores[0])
			sets, gets = append(sets, q.set), append(gets, q.get)
		}
		p.set = sexp.ListStar([]Value{head}, sexp.List(sets...))
		p.get = sexp.ListStar([]Value{head}, sexp.List(gets...))
		return p, true
	case "GETF":
		if n == 2 || n == 3 {
			q := in.place(forms[0], env, pos)
			ind, g := in.Gensym("IND"), in.Gensym("NEW")
			p := place{vars: append(q.vars, ind), vals: append(q.vals, forms[1]), stores: []Value{g}}
			get := []Value{head, q.get, ind}
			if n == 3 {
				def := in.Gensym("DEFAULT")
				p.vars, p.vals = append(p.vars, def), append(p.vals, forms[2])
				get = append(get, def)
			}
			p.get = sexp.List(get...)
			p.set = sexp.List(sym("LET"), sexp.List(sexp.List(q.stores[0], sexp.List(sym("%PUTF"), q.get, ind, g))), q.set, g)
			return p, true
		}
	case "LDB", "MASK-FIELD":
		if n == 2 {
			q := in.place(forms[1], env, pos)
			spec, g := in.Gensym("BYTE"), in.Gensym("NEW")
			dep := map[string]string{"LDB": "DPB", "MASK-FIELD": "DEPOSIT-FIELD"}[head.Name]
			return place{
				vars: append([]Value{spec}, q.vars...), vals: append([]Value{forms[0]}, q.vals...), stores: []Value{g},
				set: sexp.List(sym("LET"), sexp.List(sexp.List(q.stores[0], sexp.List(sym(dep), g, spec, q.get))), q.set, g),
				get: sexp.List(head, spec, q.get),
			}, true
		}
	case "APPLY":
		if n >= 2 {
			if fn, ok := sexp.Slice(forms[0]); ok && len(fn) == 2 && fn[0] == Value(sexp.Function) && isSymbol(fn[1]) {
				vars, vals, args := in.temps(forms[1:])
				g := in.Gensym("NEW")
				name := sexp.List(sexp.Function, sexp.List(sym("SETF"), fn[1]))
				return place{vars, vals, []Value{g},
					sexp.ListStar([]Value{head, name, g}, sexp.List(args...)),
					sexp.ListStar([]Value{head, forms[0]}, sexp.List(args...))}, true
			}
		}
	}
	return place{}, false
}

func compileSetf(c *comp, x *sexp.Cons) code {
	var ks []code
	for v := x.Cdr; !isNil(v); {
		cell := v.(*sexp.Cons)
		val, ok := cell.Cdr.(*sexp.Cons)
		if !ok {
			c.in.fail(errAt(cell.At.Or(c.pos), cell.Car, "`setf` has no value for the place %s", show(cell.Car)).WithExpected("(setf place value ...)"))
		}
		pos := c.pos
		c.pos = sexp.PosOf(cell.Car).Or(cell.At).Or(pos)
		ks = append(ks, c.setOne(cell.Car, val))
		c.pos = pos
		v = val.Cdr
	}
	switch len(ks) {
	case 0:
		c.one = true
		return nilCode
	case 1:
		return ks[0]
	}
	c.one = false
	return func(f *frame) (v Value) {
		for _, k := range ks {
			v = k(f)
		}
		return v
	}
}

// setOne compiles (setf place value).
func (c *comp) setOne(x Value, val *sexp.Cons) code {
	c.one = true
	if s, ok := x.(*sexp.Symbol); ok {
		if e, isMacro := c.in.SymbolMacro(s, c.env); isMacro {
			return c.setOne(e, val)
		}
		if s == sexp.Nil || s == sexp.T || s.Keyword {
			c.in.failAt(c.pos, s, "`%s` is a constant and cannot be set", s.Display())
		}
		k := c.valueAt(val)
		set := c.setter(s)
		return func(f *frame) Value {
			v := k(f)
			set(f, v)
			return v
		}
	}
	if form, ok := x.(*sexp.Cons); ok {
		head, isSym := form.Car.(*sexp.Symbol)
		if isSym && c.env.function(head) == nil && c.in.global(head).expander == nil && c.localSetf(head) == nil && head.Name != "VALUES" {
			if fn := c.in.setfFunction(head); fn != nil {
				return c.setfCall(head, form, val)
			}
		}
	}
	p := c.place(x)
	sig := c.sig
	c.sig = nil
	var form Value
	if len(p.stores) == 1 {
		form = p.around(c, []Value{sexp.List(p.stores[0], val.Car)}, p.set)
	} else {
		form = p.around(c, nil, sexp.List(c.sym("MULTIPLE-VALUE-BIND"), sexp.List(p.stores...), val.Car, p.set))
	}
	k := c.tail(form)
	c.sig = sig
	c.one = false
	return k
}

// setfCall compiles a call of a global setf function.
func (c *comp) setfCall(head *sexp.Symbol, form, val *sexp.Cons) code {
	args := c.args(form)
	k := c.valueAt(val)
	pos := c.pos
	c.one = true
	return func(f *frame) Value {
		in := f.in
		n := len(in.stack)
		in.stack = append(in.stack, nil)
		for _, a := range args {
			v := a(f)
			in.stack = append(in.stack, v)
		}
		v := k(f)
		in.stack[n] = v
		in.pos = pos
		v = one(in.call(in.setfFunction(head), in.stack[n:len(in.stack):len(in.stack)]))
		in.stack = in.stack[:n]
		return v
	}
}

func psetf(c *comp, x *sexp.Cons) Value {
	items := c.in.listOf(x.Cdr, "psetf")
	if len(items)%2 != 0 {
		c.in.failAt(c.pos, x, "`psetf` has no value for the last place")
	}
	var body Value = sexp.Nil
	for i := len(items) - 2; i >= 0; i -= 2 {
		p := c.place(items[i])
		inner := []Value{p.set}
		if !isNil(body) {
			inner = append(inner, body)
		}
		if len(p.stores) == 1 {
			body = p.around(c, []Value{sexp.List(p.stores[0], items[i+1])}, reverse(inner)...)
		} else {
			body = p.around(c, nil, sexp.List(append([]Value{c.sym("MULTIPLE-VALUE-BIND"), sexp.List(p.stores...), items[i+1]}, reverse(inner)...)...))
		}
	}
	return sexp.List(c.sym("PROGN"), body, sexp.Nil)
}

func reverse(vs []Value) []Value {
	out := make([]Value, len(vs))
	for i, v := range vs {
		out[len(vs)-1-i] = v
	}
	return out
}

// modify rewrites incf and decf.
func (c *comp) modify(x *sexp.Cons, op string) Value {
	var delta Value = int64(1)
	if d, ok := second(x).Cdr.(*sexp.Cons); ok {
		delta = d.Car
	}
	x2 := second(x).Car
	if s, ok := x2.(*sexp.Symbol); ok {
		if _, isMacro := c.in.SymbolMacro(s, c.env); !isMacro {
			return sexp.List(c.sym("SETQ"), s, &sexp.Cons{Car: c.sym(op), Cdr: sexp.List(s, delta), Pos: x.Pos})
		}
	}
	p := c.place(x2)
	more := []Value{}
	if !isConstantForm(delta) {
		g := c.in.Gensym("DELTA")
		more = append(more, sexp.List(g, delta))
		delta = g
	}
	more = append(more, sexp.List(p.stores[0], sexp.List(c.sym(op), p.get, delta)))
	return p.around(c, more, p.set)
}

// push rewrites push and pushnew.
func (c *comp) push(x *sexp.Cons, op string) Value {
	item := second(x).Car
	more := third(x).Cdr
	p := c.place(third(x).Car)
	call := func(item Value) Value {
		return sexp.ListStar([]Value{c.sym(op), item, p.get}, more)
	}
	if len(p.vars) == 0 {
		return p.around(c, []Value{sexp.List(p.stores[0], call(item))}, p.set)
	}
	g := c.in.Gensym("ITEM")
	return sexp.List(c.sym("LET"), sexp.List(sexp.List(g, item)), p.around(c, []Value{sexp.List(p.stores[0], call(g))}, p.set))
}

// rotate rewrites rotatef and shiftf: each place gets the next one's value.
func (c *comp) rotate(x *sexp.Cons, round bool) Value {
	items := c.in.listOf(x.Cdr, "rotatef")
	if len(items) == 0 {
		return sexp.Nil
	}
	var last Value
	if !round {
		if len(items) < 2 {
			c.in.failAt(c.pos, x, "`shiftf` needs a place and a value")
		}
		last = items[len(items)-1]
		items = items[:len(items)-1]
	}
	var binds, sets []Value
	var places []place
	for _, it := range items {
		p := c.place(it)
		for i := range p.vars {
			binds = append(binds, sexp.List(p.vars[i], p.vals[i]))
		}
		places = append(places, p)
		sets = append(sets, p.set)
	}
	result := c.in.Gensym("OLD")
	binds = append(binds, sexp.List(result, places[0].get))
	for i := range places {
		switch {
		case i+1 < len(places):
			binds = append(binds, sexp.List(places[i].stores[0], places[i+1].get))
		case round:
			binds = append(binds, sexp.List(places[i].stores[0], result))
		default:
			binds = append(binds, sexp.List(places[i].stores[0], last))
		}
	}
	var res Value = result
	if round {
		res = sexp.Nil
	}
	body := append([]Value{c.sym("LET*"), sexp.List(binds...)}, sets...)
	return sexp.List(append(body, res)...)
}
