package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A pattern is a compiled lambda list, of a function or a destructuring one.
type pattern struct {
	list  Value // as written
	whole *param
	env   *param
	req   []param
	opt   []param
	rest  *param
	keys  []param
	key   bool // &key was there
	allow bool
	aux   []param
}

// A param is one parameter: a variable, or a pattern inside.
type param struct {
	bind     binder
	sub      *pattern
	init     code // nil: nil
	supplied *binder
	key      *sexp.Symbol
}

// A binder is where a parameter's value goes: a slot, or a special variable
// if v is nil.
type binder struct {
	v *lexVar
	g ref
}

func (b *binder) set(f *frame, v Value) {
	if b.v == nil {
		f.in.apart()
		f.in.bindSpecial(b.g.of(f.in), v)
		return
	}
	b.v.set(f, v)
}

// plain reports whether there is nothing but required lexical variables.
func (p *pattern) plain() bool {
	if p.whole != nil || p.env != nil || len(p.opt) > 0 || p.rest != nil || p.key || len(p.aux) > 0 {
		return false
	}
	for i := range p.req {
		if p.req[i].sub != nil || p.req[i].bind.v == nil {
			return false
		}
	}
	return true
}

func isDeclaration(x Value) bool {
	c, ok := x.(*sexp.Cons)
	if !ok {
		return false
	}
	s, ok := c.Car.(*sexp.Symbol)
	return ok && s.Name == "DECLARE" && s.Interned && !s.Keyword
}

func skipDeclarations(body Value) Value {
	for {
		c, ok := body.(*sexp.Cons)
		if !ok || !isDeclaration(c.Car) {
			return body
		}
		body = c.Cdr
	}
}

// splitBody parts a body into docstring, declarations and forms.
func (c *comp) splitBody(body Value, doc bool) (docstring *sexp.String, decls []Value, forms Value) {
	for {
		cell, ok := body.(*sexp.Cons)
		if !ok {
			return docstring, decls, body
		}
		if s, isStr := cell.Car.(*sexp.String); isStr && doc && docstring == nil {
			if _, more := cell.Cdr.(*sexp.Cons); more {
				docstring = s
				body = cell.Cdr
				continue
			}
		}
		if !isDeclaration(cell.Car) {
			return docstring, decls, body
		}
		decls = append(decls, cell.Car)
		body = cell.Cdr
	}
}

// declaredSpecial lists the variables of (declare (special ...)).
func declaredSpecial(decls []Value) (names []*sexp.Symbol) {
	for _, d := range decls {
		specs, _ := sexp.Slice(d)
		for _, spec := range specs {
			items, ok := sexp.Slice(spec)
			if !ok || len(items) == 0 {
				continue
			}
			if s, isSym := items[0].(*sexp.Symbol); isSym && s.Name == "SPECIAL" {
				for _, x := range items[1:] {
					if v, isSym := x.(*sexp.Symbol); isSym {
						names = append(names, v)
					}
				}
			}
		}
	}
	return names
}

// declareRest makes free special declarations known in the body.
func (c *comp) declareRest(decls []Value) {
	for _, s := range declaredSpecial(decls) {
		c.env = &Env{up: c.env, kind: envSpecial, name: s}
	}
}

// binder declares a variable; special ones bind dynamically.
func (c *comp) binder(s *sexp.Symbol, specials []*sexp.Symbol) binder {
	if s.Keyword || s == sexp.Nil || s == sexp.T {
		c.in.failAt(c.pos, s, "`%s` cannot be a variable", s.Display())
	}
	g := c.in.global(s)
	special := g.special
	for _, d := range specials {
		special = special || d == s
	}
	if special {
		c.env = &Env{up: c.env, kind: envSpecial, name: s}
		return binder{g: c.ref(s)}
	}
	if g.constant {
		c.in.failAt(c.pos, s, "`%s` is a constant and cannot be bound", s.Display())
	}
	return binder{v: c.bindVar(s)}
}

// pattern compiles a lambda list and declares its variables. In a macro's,
// parameters may be patterns themselves.
func (c *comp) pattern(list Value, macro bool, decls []Value, fn *Function) *pattern {
	c.in.enter()
	defer c.in.leave()
	specials := declaredSpecial(decls)
	p := &pattern{list: list}
	bad := func(cell Value, format string, args ...any) {
		pos := c.pos
		if cc, ok := cell.(*sexp.Cons); ok {
			pos = cc.At.Or(pos)
		}
		what := ""
		if fn != nil && fn.name != nil {
			what = " of `" + fn.display() + "`"
		}
		c.in.failAt(pos, cell, "in the lambda list"+what+": "+format, args...)
	}
	target := func(cell *sexp.Cons, x Value) (q param) {
		switch x := x.(type) {
		case *sexp.Symbol:
			q.bind = c.binder(x, specials)
		case *sexp.Cons:
			if !macro {
				bad(cell, "%s is not a variable", show(x))
			}
			q.sub = c.pattern(x, true, decls, fn)
		default:
			bad(cell, "%s is not a variable", show(x))
		}
		return q
	}
	const (
		inReq = iota
		inOpt
		inRest
		inKey
		inAux
	)
	state := inReq
	seen := 0
	for list != Value(sexp.Nil) {
		if seen++; seen > maxDepth {
			bad(list, "it is endless")
		}
		cell, ok := list.(*sexp.Cons)
		if !ok {
			s, isSym := list.(*sexp.Symbol)
			if !macro || !isSym || p.rest != nil {
				bad(list, "a dotted tail")
			}
			p.rest = &param{bind: c.binder(s, specials)}
			break
		}
		x := cell.Car
		list = cell.Cdr
		if s, isSym := x.(*sexp.Symbol); isSym && s.Interned && len(s.Name) > 0 && s.Name[0] == '&' {
			switch s.Name {
			case "&OPTIONAL":
				if state > inReq {
					bad(cell, "misplaced &optional")
				}
				state = inOpt
				continue
			case "&REST", "&BODY", "&WHOLE", "&ENVIRONMENT":
				next, ok := list.(*sexp.Cons)
				if !ok {
					bad(cell, "no variable follows %s", s.Display())
				}
				list = next.Cdr
				q := target(next, next.Car)
				switch s.Name {
				case "&WHOLE":
					if !macro || p.whole != nil {
						bad(cell, "misplaced &whole")
					}
					p.whole = &q
				case "&ENVIRONMENT":
					if !macro || p.env != nil {
						bad(cell, "misplaced &environment")
					}
					p.env = &q
				default:
					if p.rest != nil || state > inRest {
						bad(cell, "misplaced %s", s.Display())
					}
					p.rest = &q
					state = inRest
				}
				continue
			case "&KEY":
				if state >= inKey {
					bad(cell, "misplaced &key")
				}
				state, p.key = inKey, true
				continue
			case "&ALLOW-OTHER-KEYS":
				p.allow = true
				continue
			case "&AUX":
				state = inAux
				continue
			}
			bad(cell, "unknown lambda-list keyword %s", s.Display())
		}
		switch state {
		case inReq:
			p.req = append(p.req, target(cell, x))
		case inRest:
			bad(cell, "%s after the &rest variable", show(x))
		case inOpt:
			p.opt = append(p.opt, c.optional(cell, x, target, bad, specials, false))
		case inKey:
			p.keys = append(p.keys, c.optional(cell, x, target, bad, specials, true))
		case inAux:
			p.aux = append(p.aux, c.optional(cell, x, target, bad, specials, false))
		}
	}
	return p
}

// optional compiles x of &optional, &key and &aux: var, or (var init supplied).
func (c *comp) optional(cell *sexp.Cons, x Value, target func(*sexp.Cons, Value) param, bad func(Value, string, ...any), specials []*sexp.Symbol, key bool) (q param) {
	spec, isList := x.(*sexp.Cons)
	items := []Value{x}
	if isList {
		var ok bool
		items, ok = sexp.Slice(x)
		if !ok || len(items) == 0 || len(items) > 3 {
			bad(cell, "malformed parameter %s", show(x))
		}
	}
	v := items[0]
	if key {
		if pair, ok := sexp.Slice(v); ok && len(pair) == 2 { // ((:key var) init)
			k, isSym := pair[0].(*sexp.Symbol)
			if !isSym {
				bad(cell, "malformed parameter %s", show(x))
			}
			q.key, v = k, pair[1]
		} else if s, isSym := v.(*sexp.Symbol); isSym {
			q.key = c.in.table.Keyword(s.Name)
		} else {
			bad(cell, "malformed parameter %s", show(x))
		}
	}
	if len(items) > 1 { // the initial value sees the parameters before it only
		pos := c.pos
		c.pos = spec.Cdr.(*sexp.Cons).At.Or(pos)
		q.init = c.value(items[1])
		c.pos = pos
	}
	t := target(cell, v)
	q.bind, q.sub = t.bind, t.sub
	if len(items) > 2 {
		s, isSym := items[2].(*sexp.Symbol)
		if !isSym {
			bad(cell, "malformed parameter %s", show(x))
		}
		b := c.binder(s, specials)
		q.supplied = &b
	}
	return q
}

// assign gives a parameter its value.
func (in *Interp) assign(f *frame, q *param, v Value, fn *Function) {
	if q.sub != nil {
		in.destructure(f, q.sub, v, v, fn)
		return
	}
	q.bind.set(f, v)
}

// absent gives a parameter without an argument its default.
func (in *Interp) absent(f *frame, q *param, fn *Function) {
	var v Value = sexp.Nil
	if q.init != nil {
		v = q.init(f)
	}
	in.assign(f, q, v, fn)
	if q.supplied != nil {
		q.supplied.set(f, sexp.Nil)
	}
}

func (in *Interp) present(f *frame, q *param, v Value, fn *Function) {
	in.assign(f, q, v, fn)
	if q.supplied != nil {
		q.supplied.set(f, sexp.T)
	}
}

// bindArgs binds the parameters of a function.
func (in *Interp) bindArgs(f *frame, p *pattern, fn *Function, args []Value) {
	all := len(args)
	if len(args) < len(p.req) || p.rest == nil && !p.key && len(args) > len(p.req)+len(p.opt) {
		in.badCount(fn, all)
	}
	for i := range p.req {
		in.assign(f, &p.req[i], args[i], fn)
	}
	args = args[len(p.req):]
	for i := range p.opt {
		if len(args) > 0 {
			in.present(f, &p.opt[i], args[0], fn)
			args = args[1:]
		} else {
			in.absent(f, &p.opt[i], fn)
		}
	}
	if p.rest != nil {
		in.assign(f, p.rest, in.list(args), fn)
	}
	if p.key {
		in.bindKeys(f, p, args, fn, source.Pos{})
	}
	for i := range p.aux {
		in.absent(f, &p.aux[i], fn)
	}
}

// bindKeys binds the &key parameters to the pairs of args.
func (in *Interp) bindKeys(f *frame, p *pattern, args []Value, fn *Function, pos source.Pos) {
	in.steps(len(args) * len(p.keys) / 64)
	if len(args)%2 != 0 {
		in.badKeys(p, fn, pos, "an odd number of keyword arguments", args[len(args)-1])
	}
	allow := p.allow
	for i := 0; i+1 < len(args) && !allow; i += 2 {
		if k, ok := args[i].(*sexp.Symbol); ok && k.Keyword && k.Name == "ALLOW-OTHER-KEYS" {
			allow = args[i+1] != Value(sexp.Nil)
			break
		}
	}
	if !allow {
	next:
		for i := 0; i < len(args); i += 2 {
			for j := range p.keys {
				if args[i] == Value(p.keys[j].key) {
					continue next
				}
			}
			if k, ok := args[i].(*sexp.Symbol); ok && k.Keyword && k.Name == "ALLOW-OTHER-KEYS" {
				continue
			}
			in.badKeys(p, fn, pos, "unknown keyword argument "+show(args[i]), args[i])
		}
	}
next2:
	for j := range p.keys {
		for i := 0; i+1 < len(args); i += 2 {
			if args[i] == Value(p.keys[j].key) {
				in.present(f, &p.keys[j], args[i+1], fn)
				continue next2
			}
		}
		in.absent(f, &p.keys[j], fn)
	}
}

func (in *Interp) badKeys(p *pattern, fn *Function, pos source.Pos, what string, culprit Value) {
	e := source.Errorf(pos, "%s", what).WithCode("argument-count")
	if fn != nil {
		e.What += " in a call of `" + fn.display() + "`"
		e.WithExpected("(%s)", joinWords(fn.display(), innerText(fn.paramText())))
	} else {
		e.WithExpected("%s", show(p.list))
	}
	if s, ok := culprit.(*sexp.Symbol); ok && s.Keyword {
		var names []string
		for _, k := range p.keys {
			names = append(names, k.key.Name)
		}
		if near := in.nearest(s.Name, names); near != "" {
			e.DidYouMean(":" + lower(near))
		}
	}
	e.Culprit = culprit
	in.raise(in.makeError("PROGRAM-ERROR", nil, e))
}

// bindMacro binds the parameters of a macro to the parts of its form.
func (in *Interp) bindMacro(f *frame, p *pattern, fn *Function, args []Value) {
	if len(args) != 2 {
		in.wrong(fn, "a macro function takes a form and an environment")
	}
	if p.env != nil {
		in.assign(f, p.env, args[1], fn)
	}
	form, ok := args[0].(*sexp.Cons)
	if !ok {
		in.typeError(args[0], "a macro form")
	}
	in.destructure(f, p, form.Cdr, form, fn)
}

// destructure binds a pattern to the parts of v. Tails are not copied, so
// that the user's forms keep their places.
func (in *Interp) destructure(f *frame, p *pattern, v, whole Value, fn *Function) {
	in.enter()
	if p.whole != nil {
		in.assign(f, p.whole, whole, fn)
	}
	rest := v
	for i := range p.req {
		c, ok := rest.(*sexp.Cons)
		if !ok {
			in.mismatch(p, v, whole, fn, "too few arguments")
		}
		in.assign(f, &p.req[i], c.Car, fn)
		rest = c.Cdr
	}
	for i := range p.opt {
		if c, ok := rest.(*sexp.Cons); ok {
			in.present(f, &p.opt[i], c.Car, fn)
			rest = c.Cdr
		} else {
			in.absent(f, &p.opt[i], fn)
		}
	}
	if p.rest != nil {
		in.assign(f, p.rest, rest, fn)
	}
	if p.key {
		args, ok := sexp.Slice(rest)
		if !ok {
			in.mismatch(p, v, whole, fn, "a dotted list of keyword arguments")
		}
		in.bindKeys(f, p, args, fn, sexp.PosOf(whole))
	} else if p.rest == nil && rest != Value(sexp.Nil) {
		in.mismatch(p, v, whole, fn, "too many arguments")
	}
	for i := range p.aux {
		in.absent(f, &p.aux[i], fn)
	}
	in.leave()
}

// mismatch reports a form that does not fit a macro's lambda list.
func (in *Interp) mismatch(p *pattern, v, whole Value, fn *Function, what string) {
	e := source.Errorf(sexp.PosOf(whole), "%s", what).WithCode("argument-count")
	switch {
	case fn != nil && fn.lam != nil && fn.lam.pat == p:
		given := length(v)
		e.What = "`" + fn.display() + "`: " + what
		if given >= 0 {
			e.What += ", " + count(given, "argument") + " given"
		}
		e.WithExpected("(%s)", joinWords(fn.display(), innerText(show(p.list))))
	default:
		e.What = show(v) + " does not match " + show(p.list) + ": " + what
		e.WithExpected("%s", show(p.list))
		if fn != nil && fn.name != nil {
			e.What += " in `" + fn.display() + "`"
		}
	}
	e.Culprit = whole
	in.raise(in.makeError("PROGRAM-ERROR", nil, e))
}
