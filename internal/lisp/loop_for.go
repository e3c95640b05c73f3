package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

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
