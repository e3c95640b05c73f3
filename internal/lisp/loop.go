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
			t.Cdr = first
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
				t.Cdr = v
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

// with parses with var [= form] {and var [= form]}.
func (p *loopParser) with() {
	var group loopBinds
	var parts []Value
	for {
		v := p.take("with")
		p.skipType()
		var init Value = sexp.Nil
		if p.accept("=") != "" {
			init = p.take("=")
		}
		if isSymbol(v) {
			group.binds = append(group.binds, sexp.List(v, init))
		} else {
			tmp := p.c.in.Gensym("WITH")
			group.binds = append(group.binds, sexp.List(tmp, init))
			for _, b := range p.pattern(v, tmp, nil) {
				parts = append(parts, sexp.List(b[0], b[1]))
			}
		}
		if p.accept("AND") == "" {
			break
		}
	}
	p.groups = append(p.groups, group)
	if len(parts) > 0 {
		p.groups = append(p.groups, loopBinds{parts, true})
	}
}

// skipType passes a type behind a variable.
func (p *loopParser) skipType() {
	if p.accept("OF-TYPE") != "" {
		p.take("of-type")
		return
	}
	p.accept("FIXNUM", "FLOAT", "INTEGER")
}

// forClauses parses for ... {and ...}.
func (p *loopParser) forClauses() {
	var firsts, nexts []loopStep
	for {
		parallel := len(firsts) > 0
		a, b := p.forOne(parallel)
		firsts, nexts = append(firsts, a), append(nexts, b)
		if p.accept("AND") == "" {
			break
		}
		p.accept("FOR", "AS")
	}
	p.first = append(p.first, p.steps(firsts)...)
	p.next = append(p.next, p.steps(nexts)...)
}

// steps joins the steps of variables that advance in parallel.
func (p *loopParser) steps(steps []loopStep) (out []Value) {
	for _, s := range steps {
		out = append(out, s.pre...)
	}
	if len(steps) == 1 {
		for _, set := range steps[0].sets {
			out = append(out, p.assign(set[0], set[1])...)
		}
		return append(out, steps[0].post...)
	}
	var late []Value
	for _, s := range steps {
		for _, set := range s.sets {
			tmp := p.c.in.Gensym("NEXT")
			p.bind(tmp, sexp.Nil)
			out = append(out, p.call("SETQ", tmp, set[1]))
			late = append(late, p.assign(set[0], tmp)...)
		}
		late = append(late, s.post...)
	}
	return append(out, late...)
}

// forOne parses one iteration variable.
func (p *loopParser) forOne(parallel bool) (first, next loopStep) {
	c := p.c
	v := p.take("for")
	p.skipType()
	word := p.peek()
	both := func(s loopStep) (loopStep, loopStep) { return s, s }
	switch word {
	case "IN", "ON":
		p.toks = p.toks[1:]
		cur := c.in.Gensym("LIST")
		p.bind(cur, p.take(lower(word)))
		step := p.call("CDR", cur)
		if p.accept("BY") != "" {
			by := c.in.Gensym("BY")
			p.bind(by, p.take("by"))
			step = p.call("FUNCALL", by, cur)
		}
		p.variables(v)
		s := loopStep{post: []Value{p.call("SETQ", cur, step)}}
		if word == "IN" {
			s.pre = []Value{p.call("IF", p.call("ENDP", cur), p.leave())}
			s.sets = [][2]Value{{v, p.call("CAR", cur)}}
		} else {
			s.pre = []Value{p.call("IF", p.call("ATOM", cur), p.leave())}
			s.sets = [][2]Value{{v, cur}}
		}
		return both(s)
	case "ACROSS":
		p.toks = p.toks[1:]
		vec, i := c.in.Gensym("VECTOR"), c.in.Gensym("INDEX")
		p.bind(vec, p.take("across"))
		p.bind(i, int64(0))
		p.variables(v)
		return both(loopStep{
			pre:  []Value{p.call("IF", p.call(">=", i, p.call("LENGTH", vec)), p.leave())},
			sets: [][2]Value{{v, p.call("AREF", vec, i)}},
			post: []Value{p.call("SETQ", i, p.call("+", i, int64(1)))},
		})
	case "BEING":
		p.toks = p.toks[1:]
		return both(p.being(v))
	case "=":
		p.toks = p.toks[1:]
		init := p.take("=")
		p.variables(v)
		first = loopStep{sets: [][2]Value{{v, init}}}
		next = first
		if p.accept("THEN") != "" {
			next = loopStep{sets: [][2]Value{{v, p.take("then")}}}
		}
		return first, next
	case "FROM", "UPFROM", "DOWNFROM", "TO", "UPTO", "BELOW", "DOWNTO", "ABOVE", "BY":
		return p.counting(v, parallel)
	}
	if len(p.toks) == 0 {
		p.fail(p.form, "`for %s` says not over what", show(v))
	}
	p.fail(p.toks[0], "%s cannot follow `for %s`; expected in, on, across, from, to, below, being or =", show(p.toks[0]), show(v))
	return first, next
}

// being parses for k being the hash-keys of table [using (hash-value v)].
func (p *loopParser) being(v Value) loopStep {
	c := p.c
	p.accept("THE", "EACH")
	what := p.accept("HASH-KEY", "HASH-KEYS", "HASH-VALUE", "HASH-VALUES")
	if what == "" {
		p.fail(p.form, "only hash-keys and hash-values can follow `being the`")
	}
	if p.accept("OF", "IN") == "" {
		p.fail(p.form, "`of` and a hash table are missing after `%s`", lower(what))
	}
	cur := c.in.Gensym("ENTRIES")
	p.bind(cur, p.call("%HASH-ENTRIES", p.take("of")))
	p.variables(v)
	key, val := p.call("CAR", p.call("CAR", cur)), p.call("CDR", p.call("CAR", cur))
	if what[5] == 'V' {
		key, val = val, key
	}
	s := loopStep{
		pre:  []Value{p.call("IF", p.call("ENDP", cur), p.leave())},
		sets: [][2]Value{{v, key}},
		post: []Value{p.call("SETQ", cur, p.call("CDR", cur))},
	}
	if p.accept("USING") != "" {
		spec, ok := sexp.Slice(p.take("using"))
		if !ok || len(spec) != 2 {
			p.fail(p.form, "`using` takes (hash-value variable) or (hash-key variable)")
		}
		p.variables(spec[1])
		s.sets = append(s.sets, [2]Value{spec[1], val})
	}
	return s
}

// counting parses for i from a to b by c and its variants.
func (p *loopParser) counting(v Value, parallel bool) (first, next loopStep) {
	c := p.c
	i, ok := v.(*sexp.Symbol)
	if !ok {
		p.fail(v, "%s cannot count", show(v))
	}
	if i == sexp.Nil {
		i = c.in.Gensym("COUNTER")
	}
	var start, limit Value
	var by Value = int64(1)
	down, test := false, ""
	for {
		word := p.accept("FROM", "UPFROM", "DOWNFROM", "TO", "UPTO", "BELOW", "DOWNTO", "ABOVE", "BY")
		if word == "" {
			break
		}
		x := p.take(lower(word))
		if !isConstantForm(x) || isSymbol(x) {
			g := c.in.Gensym(word)
			p.bind(g, x)
			x = g
		}
		switch word {
		case "FROM", "UPFROM", "DOWNFROM":
			start = x
			down = down || word == "DOWNFROM"
		case "BY":
			by = x
		default:
			limit = x
			switch word {
			case "BELOW":
				test = ">="
			case "ABOVE":
				test, down = "<=", true
			case "DOWNTO":
				down = true
			}
		}
	}
	if start == nil {
		if down {
			p.fail(v, "a loop that counts down needs `from`")
		}
		start = int64(0)
	}
	if test == "" {
		test = ">"
		if down {
			test = "<"
		}
	}
	step := "+"
	if down {
		step = "-"
	}
	p.bind(i, start)
	if limit != nil {
		first.pre = []Value{p.call("IF", p.call(test, i, limit), p.leave())}
	}
	if parallel || p.peek() == "AND" {
		g := c.in.Gensym("NEXT")
		p.bind(g, sexp.Nil)
		next.pre = []Value{p.call("SETQ", g, p.call(step, i, by))}
		if limit != nil {
			next.pre = append(next.pre, p.call("IF", p.call(test, g, limit), p.leave()))
		}
		next.sets = [][2]Value{{i, g}}
		return first, next
	}
	next.pre = append([]Value{p.call("SETQ", i, p.call(step, i, by))}, first.pre...)
	return first, next
}

// selectable parses a clause that may stand behind when.
func (p *loopParser) selectable() []Value {
	c := p.c
	word := p.peek()
	switch word {
	case "DO", "DOING":
		p.toks = p.toks[1:]
		return p.compound("do")
	case "RETURN":
		p.toks = p.toks[1:]
		return []Value{p.call("RETURN-FROM", p.name, p.itForm("return"))}
	case "WHEN", "IF", "UNLESS":
		p.toks = p.toks[1:]
		return []Value{p.conditional(word)}
	case "COLLECT", "COLLECTING", "APPEND", "APPENDING", "NCONC", "NCONCING":
		p.toks = p.toks[1:]
		x := p.itForm(lower(word))
		list := p.into("list", sexp.Nil)
		tail := p.tails[list]
		if tail == nil {
			tail = c.in.Gensym("TAIL")
			p.tails[list] = tail
			p.bind(tail, sexp.Nil)
		}
		op := map[byte]string{'C': "%COLLECT", 'A': "%COLLECT-ALL", 'N': "%COLLECT-NCONC"}[word[0]]
		return []Value{p.call(op, list, tail, x)}
	case "SUM", "SUMMING":
		p.toks = p.toks[1:]
		x := p.itForm(lower(word))
		acc := p.into("number", int64(0))
		return []Value{p.call("SETQ", acc, p.call("+", acc, x))}
	case "COUNT", "COUNTING":
		p.toks = p.toks[1:]
		x := p.itForm(lower(word))
		acc := p.into("number", int64(0))
		return []Value{p.call("IF", x, p.call("SETQ", acc, p.call("+", acc, int64(1))))}
	case "MAXIMIZE", "MAXIMIZING", "MINIMIZE", "MINIMIZING":
		p.toks = p.toks[1:]
		x := p.itForm(lower(word))
		acc := p.into("extreme", sexp.Nil)
		op := "%LOOP-MAX"
		if word[1] == 'I' {
			op = "%LOOP-MIN"
		}
		return []Value{p.call("SETQ", acc, p.call(op, acc, x))}
	}
	if len(p.toks) == 0 {
		p.fail(p.form, "a clause is missing at the end")
	}
	e := errAt(sexp.PosOf(p.toks[0]).Or(c.pos), p.toks[0], "loop: %s is not a loop keyword", show(p.toks[0]))
	if word != "" {
		if near := c.in.nearest(word, loopWords); near != "" {
			e.WithHint("did you mean `%s`?", lower(near))
		}
	}
	c.in.fail(e)
	return nil
}

var loopWords = []string{"FOR", "AS", "WITH", "REPEAT", "WHILE", "UNTIL", "COLLECT", "APPEND", "NCONC", "SUM", "COUNT", "MAXIMIZE", "MINIMIZE",
	"DO", "RETURN", "WHEN", "IF", "UNLESS", "FINALLY", "INITIALLY", "NAMED", "ALWAYS", "NEVER", "THEREIS", "AND", "ELSE", "END", "INTO"}

// itForm takes a form, where `it` means the value of the test around.
func (p *loopParser) itForm(what string) Value {
	x := p.take(what)
	if s, ok := x.(*sexp.Symbol); ok && s.Name == "IT" && p.it != nil && s.Interned && !s.Keyword {
		return p.it
	}
	return x
}

// into gives the variable that a clause accumulates in.
func (p *loopParser) into(kind string, init Value) *sexp.Symbol {
	if p.accept("INTO") != "" {
		s, ok := p.take("into").(*sexp.Symbol)
		if !ok {
			p.fail(p.form, "the variable after `into` is a symbol")
		}
		p.skipType()
		if !p.accs[s] {
			p.accs[s] = true
			p.bind(s, init)
		}
		return s
	}
	p.skipType()
	if p.acc == nil {
		p.acc, p.accKind = p.c.in.Gensym("RESULT"), kind
		p.bind(p.acc, init)
	} else if p.accKind != kind {
		p.fail(p.form, "clauses that accumulate a %s and a %s have no common result; name one with `into`", p.accKind, kind)
	}
	return p.acc
}

// conditional parses when test clause {and clause} [else clause {and clause}] [end].
func (p *loopParser) conditional(word string) Value {
	p.c.in.enter()
	defer p.c.in.leave()
	test := p.take(lower(word))
	it := p.c.in.Gensym("IT")
	p.bind(it, sexp.Nil)
	outer := p.it
	p.it = it
	then := p.branch()
	var els []Value
	if p.accept("ELSE") != "" {
		els = p.branch()
	}
	p.accept("END")
	p.it = outer
	test = p.call("SETQ", it, test)
	if word == "UNLESS" {
		then, els = els, then
	}
	return p.call("IF", test, p.call("PROGN", then...), p.call("PROGN", els...))
}

func (p *loopParser) branch() []Value {
	out := p.selectable()
	for p.accept("AND") != "" {
		out = append(out, p.selectable()...)
	}
	return out
}
