package lisp

import "github.com/whistler-lang/whistler/internal/sexp"

// An exitPoint is a block or a tagbody of the code being compiled. An exit
// from tail position is a signal, a value that travels up; any other is a
// panic to the activation's token, which lives in a hidden variable.
type exitPoint struct {
	tok   *lexVar
	used  bool // some exit is a panic
	block signal
}

// A signal is a return-from or go in tail position on its way.
type signal struct {
	to  *exitPoint
	tag int
}

// A sigTarget lists the exit points that a signal from here can reach.
type sigTarget struct {
	up *sigTarget
	to *exitPoint
}

func (s *sigTarget) reaches(p *exitPoint) bool {
	for ; s != nil; s = s.up {
		if s.to == p {
			return true
		}
	}
	return false
}

func controlSpecials() []special {
	return []special{
		{name: "BLOCK", params: "name &body body", compile: func(c *comp, x *sexp.Cons) code {
			name, ok := second(x).Car.(*sexp.Symbol)
			if !ok {
				c.in.failAt(second(x).At.Or(c.pos), second(x).Car, "%s is not the name of a block", show(second(x).Car))
			}
			return c.block(name, rest(second(x)))
		}},
		{name: "RETURN-FROM", params: "name &optional value", compile: func(c *comp, x *sexp.Cons) code {
			name, ok := second(x).Car.(*sexp.Symbol)
			if !ok {
				c.in.failAt(second(x).At.Or(c.pos), second(x).Car, "%s is not the name of a block", show(second(x).Car))
			}
			cell, _ := second(x).Cdr.(*sexp.Cons)
			return c.returnFrom(name, cell)
		}},
		{name: "RETURN", params: "&optional value", compile: func(c *comp, x *sexp.Cons) code {
			cell, _ := x.Cdr.(*sexp.Cons)
			return c.returnFrom(sexp.Nil, cell)
		}},
		{name: "TAGBODY", params: "&body tags-and-forms", compile: func(c *comp, x *sexp.Cons) code { return c.tagbody(rest(x)) }},
		{name: "GO", params: "tag", compile: compileGo},
		{name: "CATCH", params: "tag &body body", compile: func(c *comp, x *sexp.Cons) code {
			tag := c.valueAt(second(x))
			sig := c.sig
			c.sig = nil
			body := c.body(rest(second(x)))
			c.sig = sig
			c.one = false
			return func(f *frame) Value {
				tok := &token{}
				t := tag(f)
				v, _ := f.in.catching(tok, f, func(f *frame) Value {
					n := len(f.in.catches)
					f.in.catches = append(f.in.catches, catch{t, tok})
					v := body(f)
					f.in.catches = f.in.catches[:n]
					return v
				})
				return v
			}
		}},
		{name: "THROW", params: "tag result", compile: func(c *comp, x *sexp.Cons) code {
			tag := c.valueAt(second(x))
			val := c.formAt(third(x))
			pos := c.pos
			return func(f *frame) Value {
				t := tag(f)
				v := val(f)
				for i := len(f.in.catches) - 1; i >= 0; i-- {
					if eql(f.in.catches[i].tag, t) {
						f.in.leaveTo(f.in.catches[i].tok, v)
					}
				}
				e := errAt(pos, t, "no catch for the tag %s", show(t))
				e.kind = "CONTROL-ERROR"
				f.in.fail(e)
				return nil
			}
		}},
		{name: "UNWIND-PROTECT", params: "protected &body cleanup", compile: func(c *comp, x *sexp.Cons) code {
			sig := c.sig
			c.sig = nil
			body := c.formAt(second(x))
			cleanup := c.body(rest(second(x)))
			c.sig = sig
			c.one = false
			return func(f *frame) Value { return f.in.protect(f, body, cleanup) }
		}},
	}
}

// protect runs cleanup after body, whichever way body is left. Only a limit
// that was hit skips it.
func (in *Interp) protect(f *frame, body, cleanup code) (v Value) {
	m := in.mark()
	done := false
	defer func() {
		if done || in.dead {
			return
		}
		e, pos := in.exiting, in.pos
		in.exiting = nil
		in.restore(m)
		cleanup(f)
		in.exiting, in.pos = e, pos
	}()
	v = body(f)
	done = true
	cleanup(f)
	return v
}

// block compiles a body that return-from can leave; name nil means none.
func (c *comp) block(name *sexp.Symbol, body Value) code {
	if name == nil {
		return c.body(body)
	}
	p := &exitPoint{tok: c.hidden()}
	p.block.to = p
	env, sig := c.env, c.sig
	c.env = &Env{up: env, kind: envBlock, name: name, exit: p}
	c.sig = &sigTarget{up: sig, to: p}
	run := c.body(body)
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

// findExit looks for a block or tag.
func (c *comp) findExit(kind envKind, name *sexp.Symbol) *Env {
	for e := c.env; e != nil; e = e.up {
		if e.kind == kind && e.name == name {
			return e
		}
	}
	return nil
}

func (c *comp) returnFrom(name *sexp.Symbol, cell *sexp.Cons) code {
	val := code(nilCode)
	if cell != nil {
		val = c.formAt(cell)
	}
	b := c.findExit(envBlock, name)
	if b == nil {
		e := errAt(c.pos, name, "there is no block named `%s` around this return", name.Display())
		if name == sexp.Nil {
			e.WithHint("`return` leaves a loop or (block nil ...)")
		}
		c.in.fail(e)
	}
	p := b.exit
	c.one = false
	if c.sig.reaches(p) {
		return func(f *frame) Value {
			f.in.sigVal = val(f)
			return &p.block
		}
	}
	return c.leave(p, val, name)
}

// leave compiles an exit by panic.
func (c *comp) leave(p *exitPoint, val code, name *sexp.Symbol) code {
	p.used = true
	tok := c.get(p.tok)
	pos := c.pos
	return func(f *frame) Value {
		v := val(f)
		t, _ := tok(f).(*token)
		if t == nil || t.done {
			e := errAt(pos, name, "`%s` has already been left", name.Display())
			e.kind = "CONTROL-ERROR"
			f.in.fail(e)
		}
		f.in.leaveTo(t, v)
		return nil
	}
}

// tagbody compiles statements with tags to go to.
func (c *comp) tagbody(forms Value) code {
	p := &exitPoint{tok: c.hidden()}
	env, sig := c.env, c.sig
	var cells []*sexp.Cons
	tags := 0
	for cell, ok := forms.(*sexp.Cons); ok; cell, ok = cell.Cdr.(*sexp.Cons) {
		switch t := cell.Car.(type) {
		case *sexp.Symbol:
			c.env = &Env{up: c.env, kind: envTag, name: t, exit: p, v: &lexVar{slot: len(cells)}}
			tags++
		case int64:
			c.env = &Env{up: c.env, kind: envTag, name: tagSymbol(c, t), exit: p, v: &lexVar{slot: len(cells)}}
			tags++
		case *sexp.Cons:
			cells = append(cells, cell)
		default:
			c.in.failAt(cell.At.Or(c.pos), t, "%s is neither a tag nor a form", show(t))
		}
	}
	c.sig = &sigTarget{up: sig, to: p}
	ks := make([]code, len(cells))
	for i, cell := range cells {
		ks[i] = c.tailAt(cell)
	}
	c.env, c.sig = env, sig
	c.one = false
	from := func(f *frame, i int) Value {
		for i < len(ks) {
			v := ks[i](f)
			if s, ok := v.(*signal); ok {
				if s.to != p {
					return v
				}
				f.in.step()
				i = s.tag
				continue
			}
			i++
		}
		return sexp.Nil
	}
	if !p.used {
		return func(f *frame) Value { return from(f, 0) }
	}
	return func(f *frame) Value {
		i := 0
		tok := &token{}
		p.tok.set(f, tok)
		for {
			v, left := f.in.catching(tok, f, func(f *frame) Value { return from(f, i) })
			if !left {
				tok.done = true
				return v
			}
			f.in.step()
			n, _ := v.(int64)
			i = int(n)
		}
	}
}

// tagSymbol makes a name of an integer tag.
func tagSymbol(c *comp, n int64) *sexp.Symbol { return c.sym("tag " + show(n)) }

func compileGo(c *comp, x *sexp.Cons) code {
	var name *sexp.Symbol
	switch t := second(x).Car.(type) {
	case *sexp.Symbol:
		name = t
	case int64:
		name = tagSymbol(c, t)
	}
	b := c.findExit(envTag, name)
	if b == nil {
		c.in.failAt(second(x).At.Or(c.pos), second(x).Car, "there is no tag %s to go to", show(second(x).Car))
	}
	p, tag := b.exit, b.v.slot
	c.one = false
	if c.sig.reaches(p) {
		s := &signal{p, tag}
		return func(*frame) Value { return s }
	}
	return c.leave(p, constant(int64(tag)), name)
}
