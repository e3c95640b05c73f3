package lisp

import (
	"math/big"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// iterSpecials are the simple loops; loop.go has the big one.
func iterSpecials() []special {
	return []special{
		{name: "DOLIST", params: "(variable list [result]) &body body", compile: compileDolist},
		{name: "DOTIMES", params: "(variable count [result]) &body body", compile: compileDotimes},
		{name: "DO", params: "variables (end-test result...) &body body", macro: func(c *comp, x *sexp.Cons) Value { return c.do(x, "LET", "PSETQ") }},
		{name: "DO*", params: "variables (end-test result...) &body body", macro: func(c *comp, x *sexp.Cons) Value { return c.do(x, "LET*", "SETQ") }},
		{name: "DO-SYMBOLS", params: "&rest ignored", compile: func(c *comp, x *sexp.Cons) code {
			c.in.failAt(c.pos, x, "`do-symbols` is refused: there are no packages")
			return nil
		}},
	}
}

// loopHead checks the (variable form [result]) of dolist and dotimes.
func (c *comp) loopHead(x *sexp.Cons, what string) (name *sexp.Symbol, form, result *sexp.Cons) {
	head, ok := second(x).Car.(*sexp.Cons)
	if ok {
		name, ok = head.Car.(*sexp.Symbol)
	}
	n := length(second(x).Car)
	if !ok || n < 2 || n > 3 {
		c.in.fail(errAt(second(x).At.Or(c.pos), second(x).Car, "malformed head %s of `%s`", show(second(x).Car), x.Car.(*sexp.Symbol).Display()).
			WithExpected("(variable %s [result])", what))
	}
	form = head.Cdr.(*sexp.Cons)
	if n == 3 {
		result = form.Cdr.(*sexp.Cons)
	}
	return name, form, result
}

// loopBlock runs compile inside of (block nil ...).
func (c *comp) loopBlock(compile func() code) code {
	p := &exitPoint{tok: c.hidden()}
	p.block.to = p
	env, sig := c.env, c.sig
	c.env = &Env{up: env, kind: envBlock, name: sexp.Nil, exit: p}
	c.sig = &sigTarget{up: sig, to: p}
	run := compile()
	c.env, c.sig = env, sig
	c.one = false
	plain := func(f *frame) Value {
		v := run(f)
		if s, ok := v.(*signal); ok && s.to == p {
			v = f.in.sigVal
			f.in.sigVal = nil
		}
		return v
	}
	if !p.used {
		return plain
	}
	return func(f *frame) Value {
		tok := &token{}
		p.tok.set(f, tok)
		v, _ := f.in.catching(tok, f, plain)
		tok.done = true
		return v
	}
}

// resultForm compiles the result of a loop; the variable is visible.
func (c *comp) resultForm(cell *sexp.Cons) code {
	if cell == nil {
		return nilCode
	}
	return c.formAt(cell)
}

func compileDolist(c *comp, x *sexp.Cons) code {
	name, form, result := c.loopHead(x, "list")
	list := c.valueAt(form)
	pos := form.At.Or(c.pos)
	return c.loopBlock(func() code {
		_, decls, forms := c.splitBody(rest(second(x)), false)
		b := c.binder(name, declaredSpecial(decls))
		body := c.tagbody(forms)
		res := c.resultForm(result)
		return func(f *frame) Value {
			v := list(f)
			mark := len(f.in.specials)
			for {
				cell, ok := v.(*sexp.Cons)
				if !ok {
					break
				}
				f.in.step()
				b.set(f, cell.Car)
				if s, ok := body(f).(*signal); ok {
					f.in.unbindTo(mark)
					return s
				}
				f.in.unbindTo(mark)
				v = cell.Cdr
			}
			if !isNil(v) {
				f.in.pos = pos
				f.in.fail(f.in.typeErr(v, "a list").inCall("dolist"))
			}
			b.set(f, sexp.Nil)
			r := res(f)
			f.in.unbindTo(mark)
			return r
		}
	})
}

func compileDotimes(c *comp, x *sexp.Cons) code {
	name, form, result := c.loopHead(x, "count")
	count := c.valueAt(form)
	pos := form.At.Or(c.pos)
	return c.loopBlock(func() code {
		_, decls, forms := c.splitBody(rest(second(x)), false)
		b := c.binder(name, declaredSpecial(decls))
		body := c.tagbody(forms)
		res := c.resultForm(result)
		get := c.variable(name)
		put := c.setter(name)
		return func(f *frame) Value {
			f.in.pos = pos
			v := count(f)
			n, ok := v.(int64)
			if !ok {
				if b, isBig := v.(*big.Int); !isBig || b.Sign() > 0 && f.in.opt.MaxSteps < 0 {
					f.in.fail(f.in.typeErr(v, "an integer").inCall("dotimes"))
				} else if b.Sign() > 0 {
					n = 1<<63 - 1 // more than the step limit allows
				}
			}
			mark := len(f.in.specials)
			b.set(f, int64(0))
			for {
				i, isInt := get(f).(int64)
				if !isInt || i >= n {
					break
				}
				f.in.step()
				if s, ok := body(f).(*signal); ok {
					f.in.unbindTo(mark)
					return s
				}
				if j, isInt := get(f).(int64); isInt {
					i = j
				}
				put(f, i+1)
			}
			r := res(f)
			f.in.unbindTo(mark)
			return r
		}
	})
}

// do rewrites do and do* to block, let and tagbody.
func (c *comp) do(x *sexp.Cons, let, setq string) Value {
	who := x.Car.(*sexp.Symbol).Display()
	var binds, steps []Value
	for _, v := range c.in.listOf(second(x).Car, who) {
		items, ok := sexp.Slice(v)
		if _, isSym := v.(*sexp.Symbol); isSym {
			items, ok = []Value{v}, true
		}
		if !ok || len(items) == 0 || len(items) > 3 || !isSymbol(items[0]) {
			c.in.fail(errAt(sexp.PosOf(v).Or(c.pos), v, "malformed variable %s of `%s`", show(v), who).WithExpected("(variable [first [next]])"))
		}
		binds = append(binds, sexp.List(items[:min(2, len(items))]...))
		if len(items) == 3 {
			steps = append(steps, items[0], items[2])
		}
	}
	end, ok := third(x).Car.(*sexp.Cons)
	if !ok || length(end) < 0 {
		c.in.fail(errAt(third(x).At.Or(c.pos), third(x).Car, "malformed end test of `%s`", who).WithExpected("(test result...)"))
	}
	_, decls, body := c.splitBody(rest(third(x)), false)
	top, done := c.in.Gensym("TOP"), c.in.Gensym("DONE")
	forms := []Value{c.sym("TAGBODY"), top,
		sexp.List(c.sym("IF"), end.Car, sexp.List(c.sym("GO"), done))}
	for cell, ok := body.(*sexp.Cons); ok; cell, ok = cell.Cdr.(*sexp.Cons) {
		forms = append(forms, cell.Car)
	}
	if len(steps) > 0 {
		forms = append(forms, &sexp.Cons{Car: c.sym(setq), Cdr: sexp.List(steps...)})
	}
	forms = append(forms, sexp.List(c.sym("GO"), top), done)
	all := append([]Value{c.sym(let), sexp.List(binds...)}, decls...)
	all = append(all, sexp.List(forms...), &sexp.Cons{Car: c.sym("PROGN"), Cdr: end.Cdr})
	return sexp.List(c.sym("BLOCK"), sexp.Nil, sexp.List(all...))
}
