package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

// loopSpecials hold LOOP, which is rewritten to simpler forms:
//
//	(loop for x in l while (p x) collect (f x))
//
// becomes, with made-up names for acc, tail and cur,
//
//	(block nil
//	  (let ((cur l) (x nil)) (let ((acc nil) (tail nil))
//	    (tagbody
//	      (if (endp cur) (go end))  (setq x (car cur))  (setq cur (cdr cur))
//	     top
//	      (if (p x) nil (go end))
//	      (%collect acc tail (f x))
//	      ... the first line again ...
//	      (go top)
//	     end)
//	    acc)))
func loopSpecials() []special {
	return []special{
		{name: "LOOP", params: "&rest clauses", macro: func(c *comp, x *sexp.Cons) Value { return c.loop(x) }},
		{name: "LOOP-FINISH", params: "", macro: func(c *comp, x *sexp.Cons) Value {
			return sexp.List(c.sym("GO"), c.sym(loopEnd))
		}},
		{name: "%COLLECT", params: "list tail item", compile: func(c *comp, x *sexp.Cons) code { return c.collect(x, "") }},
		{name: "%COLLECT-ALL", params: "list tail items", compile: func(c *comp, x *sexp.Cons) code { return c.collect(x, "append") }},
		{name: "%COLLECT-NCONC", params: "list tail items", compile: func(c *comp, x *sexp.Cons) code { return c.collect(x, "nconc") }},
	}
}

const loopEnd = "%LOOP-END"

// collect compiles the accumulation of a list; tail is its last cons.
func (c *comp) collect(x *sexp.Cons, how string) code {
	list, ok1 := second(x).Car.(*sexp.Symbol)
	tail, ok2 := third(x).Car.(*sexp.Symbol)
	if !ok1 || !ok2 {
		c.in.failAt(c.pos, x, "malformed accumulation of a loop")
	}
	val := c.value(third(x).Cdr.(*sexp.Cons).Car)
	getTail, setTail := c.variable(tail), c.setter(tail)
	getList, setList := c.variable(list), c.setter(list)
	c.one = true
	link := func(f *frame, first, last *sexp.Cons) {
		if t, ok := getTail(f).(*sexp.Cons); ok && !isNil(getList(f)) {
			f.in.changed(t).Cdr = first
		} else {
			setList(f, first)
		}
		setTail(f, last)
	}
	if how == "" {
		return func(f *frame) Value {
			n := f.in.cons(val(f), sexp.Nil)
			link(f, n, n)
			return sexp.Nil
		}
	}
	return func(f *frame) Value {
		v := val(f)
		for cell, ok := v.(*sexp.Cons); ok; cell, ok = v.(*sexp.Cons) {
			f.in.step()
			n := cell
			if how == "append" {
				n = f.in.cons(cell.Car, sexp.Nil)
				n.At = cell.At
			}
			v = cell.Cdr
			link(f, n, n)
		}
		if !isNil(v) {
			if t, ok := getTail(f).(*sexp.Cons); ok && !isNil(getList(f)) {
				f.in.changed(t).Cdr = v
			} else {
				setList(f, v)
			}
		}
		return sexp.Nil
	}
}

// loopParser takes the clauses of one LOOP apart.
type loopParser struct {
	c    *comp
	form *sexp.Cons
	toks []Value
	name *sexp.Symbol
	end  *sexp.Symbol

	groups   []loopBinds
	first    []Value // before the first turn
	next     []Value // before each further turn
	prologue []Value
	body     []Value
	epilogue []Value
	result   Value
	tails    map[*sexp.Symbol]*sexp.Symbol // tail variable of each list
	accs     map[*sexp.Symbol]bool         // declared "into" variables
	acc      *sexp.Symbol                  // the loop's own list or number
	accKind  string
	it       *sexp.Symbol // the variable of the test around, for "it"
}

// loopBinds is one let; sequential ones are let*.
type loopBinds struct {
	binds      []Value
	sequential bool
}

// loopStep is how one iteration variable advances, at the first turn and at
// the next ones: forms, some of which leave the loop, then the variables.
type loopStep struct {
	pre  []Value
	sets [][2]Value
	post []Value
}

func (c *comp) loop(x *sexp.Cons) Value {
	toks := c.in.listOf(x.Cdr, "loop")
	simple := true
	for _, t := range toks {
		if isSymbol(t) {
			simple = false
		}
	}
	if simple {
		top := c.in.Gensym("TOP")
		body := append([]Value{c.sym("TAGBODY"), top}, toks...)
		body = append(body, sexp.List(c.sym("GO"), top))
		return sexp.List(c.sym("BLOCK"), sexp.Nil, sexp.List(body...))
	}
	p := &loopParser{c: c, form: x, toks: toks, name: sexp.Nil, end: c.sym(loopEnd),
		tails: map[*sexp.Symbol]*sexp.Symbol{}, accs: map[*sexp.Symbol]bool{}}
	for len(p.toks) > 0 {
		p.clause()
	}
	return p.build()
}

func (p *loopParser) build() Value {
	c := p.c
	top := c.in.Gensym("TOP")
	body := []Value{c.sym("TAGBODY")}
	body = append(body, p.prologue...)
	body = append(body, p.first...)
	body = append(body, top)
	body = append(body, p.body...)
	body = append(body, p.next...)
	body = append(body, sexp.List(c.sym("GO"), top), p.end)
	body = append(body, p.epilogue...)
	form := sexp.List(body...)
	res := p.result
	if p.acc != nil {
		res = p.acc
	}
	if res != nil {
		form = sexp.List(c.sym("PROGN"), form, res)
	}
	for i := len(p.groups) - 1; i >= 0; i-- {
		let := "LET"
		if p.groups[i].sequential {
			let = "LET*"
		}
		form = sexp.List(c.sym(let), sexp.List(p.groups[i].binds...), form)
	}
	return sexp.List(c.sym("BLOCK"), p.name, form)
}

func (p *loopParser) fail(culprit Value, format string, args ...any) {
	p.c.in.failAt(sexp.PosOf(culprit).Or(p.c.pos), culprit, "loop: "+format, args...)
}

// peek is the loop keyword that comes next, "" for none.
func (p *loopParser) peek() string {
	if len(p.toks) > 0 {
		if s, ok := p.toks[0].(*sexp.Symbol); ok {
			return s.Name
		}
	}
	return ""
}

// accept takes the next token if it is one of words.
func (p *loopParser) accept(words ...string) string {
	for _, w := range words {
		if p.peek() == w {
			p.toks = p.toks[1:]
			return w
		}
	}
	return ""
}

// take is the next form.
func (p *loopParser) take(what string) Value {
	if len(p.toks) == 0 {
		p.fail(p.form, "a form is missing after `%s`", what)
	}
	v := p.toks[0]
	p.toks = p.toks[1:]
	return v
}

func (p *loopParser) call(op string, args ...Value) Value {
	return sexp.ListStar([]Value{p.c.sym(op)}, sexp.List(args...))
}

func (p *loopParser) leave() Value { return p.call("GO", p.end) }

// bind adds variables around the loop, in a let of their own.
func (p *loopParser) bind(v, init Value) {
	p.groups = append(p.groups, loopBinds{binds: []Value{sexp.List(v, init)}})
}

// pattern lists the variables of a destructuring pattern with the forms
// that take them out of the variable from.
func (p *loopParser) pattern(pat, from Value, out [][2]Value) [][2]Value {
	switch x := pat.(type) {
	case *sexp.Symbol:
		if x != sexp.Nil {
			out = append(out, [2]Value{x, from})
		}
	case *sexp.Cons:
		p.c.in.enter()
		out = p.pattern(x.Car, p.call("CAR", from), out)
		out = p.pattern(x.Cdr, p.call("CDR", from), out)
		p.c.in.leave()
	default:
		p.fail(pat, "%s is not a variable", show(pat))
	}
	return out
}

// variables declares the variables of a pattern, all nil.
func (p *loopParser) variables(pat Value) {
	var binds []Value
	for _, b := range p.pattern(pat, sexp.Nil, nil) {
		binds = append(binds, sexp.List(b[0], sexp.Nil))
	}
	if len(binds) > 0 {
		p.groups = append(p.groups, loopBinds{binds: binds})
	}
}

// assign sets the variables of a pattern to the parts of a form's value.
func (p *loopParser) assign(pat, form Value) []Value {
	if s, ok := pat.(*sexp.Symbol); ok {
		if s == sexp.Nil {
			return []Value{form}
		}
		return []Value{p.call("SETQ", s, form)}
	}
	tmp := p.c.in.Gensym("PART")
	p.bind(tmp, sexp.Nil)
	out := []Value{p.call("SETQ", tmp, form)}
	for _, b := range p.pattern(pat, tmp, nil) {
		out = append(out, p.call("SETQ", b[0], b[1]))
	}
	return out
}

func (p *loopParser) clause() {
	c := p.c
	switch word := p.peek(); word {
	case "NAMED":
		p.toks = p.toks[1:]
		s, ok := p.take("named").(*sexp.Symbol)
		if !ok {
			p.fail(p.form, "the name of a loop is a symbol")
		}
		p.name = s
	case "WITH":
		p.toks = p.toks[1:]
		p.with()
	case "FOR", "AS":
		p.toks = p.toks[1:]
		p.forClauses()
	case "REPEAT":
		p.toks = p.toks[1:]
		n := c.in.Gensym("COUNT")
		p.bind(n, p.take("repeat"))
		p.sequential([]Value{p.call("IF", p.call("<=", n, int64(0)), p.leave()), p.call("SETQ", n, p.call("-", n, int64(1)))})
	case "INITIALLY":
		p.toks = p.toks[1:]
		p.prologue = append(p.prologue, p.compound("initially")...)
	case "FINALLY":
		p.toks = p.toks[1:]
		if p.peek() == "RETURN" {
			p.toks = p.toks[1:]
			p.epilogue = append(p.epilogue, p.call("RETURN-FROM", p.name, p.take("return")))
			return
		}
		p.accept("DO", "DOING")
		p.epilogue = append(p.epilogue, p.compound("finally")...)
	case "WHILE":
		p.toks = p.toks[1:]
		p.body = append(p.body, p.call("IF", p.take("while"), sexp.Nil, p.leave()))
	case "UNTIL":
		p.toks = p.toks[1:]
		p.body = append(p.body, p.call("IF", p.take("until"), p.leave()))
	case "ALWAYS":
		p.toks = p.toks[1:]
		p.body = append(p.body, p.call("IF", p.take("always"), sexp.Nil, p.call("RETURN-FROM", p.name, sexp.Nil)))
		p.result = sexp.T
	case "NEVER":
		p.toks = p.toks[1:]
		p.body = append(p.body, p.call("IF", p.take("never"), p.call("RETURN-FROM", p.name, sexp.Nil)))
		p.result = sexp.T
	case "THEREIS":
		p.toks = p.toks[1:]
		g := c.in.Gensym("IT")
		p.bind(g, sexp.Nil)
		p.body = append(p.body, p.call("IF", p.call("SETQ", g, p.take("thereis")), p.call("RETURN-FROM", p.name, g)))
	default:
		p.body = append(p.body, p.selectable()...)
	}
}

// sequential adds forms to both the first and the next turns.
func (p *loopParser) sequential(forms []Value) {
	p.first = append(p.first, forms...)
	p.next = append(p.next, forms...)
}

// compound takes the forms up to the next loop keyword.
func (p *loopParser) compound(what string) (forms []Value) {
	for len(p.toks) > 0 {
		if isSymbol(p.toks[0]) {
			break
		}
		forms = append(forms, p.toks[0])
		p.toks = p.toks[1:]
	}
	if len(forms) == 0 {
		p.fail(p.form, "a form in parentheses is missing after `%s`", what)
	}
	return forms
}
