package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

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
			e.DidYouMean(lower(near))
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
