package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// comp compiles the forms of one function.
type comp struct {
	in   *Interp
	fn   *fnState
	env  *Env
	pos  source.Pos // of the innermost form around that has a place
	nest int
	sig  *sigTarget // exits that a form in tail position may take by a signal
	one  bool       // the last compiled form gives exactly one value
}

// fnState is what is known of a function while it is compiled.
type fnState struct {
	up    *fnState
	slots int
	caps  []*lexVar // variables of outer functions, in the order of frame.caps
	nest  int       // deepest nesting of its forms
}

// cost of a call against the depth limit: deeply nested bodies need more of
// the Go stack.
func (fs *fnState) cost() int { return 1 + fs.nest/20 }

// A lexVar is a lexical variable or local function: a slot of its function's
// frame. It lives in a box once a closure captures it.
type lexVar struct {
	name  *sexp.Symbol
	owner *fnState
	slot  int
	boxed bool
}

// set starts a new binding of v.
func (v *lexVar) set(f *frame, val Value) {
	if v.boxed {
		val = &box{val}
	}
	f.s[v.slot] = val
}

func (fs *fnState) newVar(name *sexp.Symbol) *lexVar {
	fs.slots++
	return &lexVar{name: name, owner: fs, slot: fs.slots - 1}
}

// capture gives the index of v among the captured variables of fs.
func (fs *fnState) capture(v *lexVar) int {
	for i, c := range fs.caps {
		if c == v {
			return i
		}
	}
	v.boxed = true
	if fs.up != nil && fs.up != v.owner {
		fs.up.capture(v)
	}
	fs.caps = append(fs.caps, v)
	return len(fs.caps) - 1
}

// get compiles a read of v.
func (c *comp) get(v *lexVar) code {
	if v.owner == c.fn {
		slot := v.slot
		return func(f *frame) Value {
			x := f.s[slot]
			if b, ok := x.(*box); ok {
				return b.v
			}
			return x
		}
	}
	i := c.fn.capture(v)
	c.in.steps(len(c.fn.caps) / 64)
	return func(f *frame) Value { return f.caps[i].v }
}

// put compiles an assignment to v.
func (c *comp) put(v *lexVar) func(f *frame, x Value) {
	if v.owner == c.fn {
		slot := v.slot
		return func(f *frame, x Value) {
			if b, ok := f.s[slot].(*box); ok {
				b.v = x
			} else {
				f.s[slot] = x
			}
		}
	}
	i := c.fn.capture(v)
	return func(f *frame, x Value) { f.caps[i].v = x }
}

// boxOf compiles the access to v's box, for a closure that captures v.
func (c *comp) boxOf(v *lexVar) func(f *frame) *box {
	if v.owner == c.fn {
		slot := v.slot
		return func(f *frame) *box {
			b, ok := f.s[slot].(*box)
			if !ok {
				b = &box{f.s[slot]}
				f.s[slot] = b
			}
			return b
		}
	}
	i := c.fn.capture(v)
	return func(f *frame) *box { return f.caps[i] }
}

// bindVar adds a lexical variable to the environment.
func (c *comp) bindVar(name *sexp.Symbol) *lexVar {
	v := c.fn.newVar(name)
	c.env = &Env{up: c.env, kind: envVar, name: name, v: v}
	return v
}

// hidden makes a variable without a name that code could use.
func (c *comp) hidden() *lexVar { return c.fn.newVar(&sexp.Symbol{Name: "%"}) }

func constant(v Value) code { return func(*frame) Value { return v } }

var nilCode = constant(sexp.Nil)

// form compiles x for all of its values.
func (c *comp) form(x Value) code {
	sig := c.sig
	c.sig = nil
	k := c.tail(x)
	c.sig = sig
	return k
}

// value compiles x for its first value.
func (c *comp) value(x Value) code {
	k := c.form(x)
	if c.one {
		return k
	}
	c.one = true
	return func(f *frame) Value { return one(k(f)) }
}

// valueAt compiles the Car of a list's cell, whose place is known where the
// list was read.
func (c *comp) valueAt(cell *sexp.Cons) code {
	pos := c.pos
	c.pos = cell.At.Or(pos)
	k := c.value(cell.Car)
	c.pos = pos
	return k
}

func (c *comp) tailAt(cell *sexp.Cons) code {
	pos := c.pos
	c.pos = cell.At.Or(pos)
	k := c.tail(cell.Car)
	c.pos = pos
	return k
}

func (c *comp) formAt(cell *sexp.Cons) code {
	sig := c.sig
	c.sig = nil
	k := c.tailAt(cell)
	c.sig = sig
	return k
}

// tail compiles x in tail position: an exit may leave it by a signal.
func (c *comp) tail(x Value) code {
	c.one = true
	switch x := x.(type) {
	case *sexp.Symbol:
		return c.variable(x)
	case *sexp.Cons:
		c.one = false
		pos := c.pos
		c.pos = x.Pos.Or(pos)
		c.deeper()
		k := c.list(x)
		c.shallower()
		c.pos = pos
		return k
	case nil:
		return nilCode
	}
	return constant(x)
}

// deeper counts the nesting of forms: the running closures nest as they do.
func (c *comp) deeper() {
	c.in.steps(4)
	c.in.enter()
	if c.nest++; c.nest > c.fn.nest {
		c.fn.nest = c.nest
		if c.nest > maxDepth/4 {
			c.in.pos = c.pos
			c.in.limit("compile-time code is nested more than %d forms deep", maxDepth/4)
		}
	}
}

func (c *comp) shallower() {
	c.nest--
	c.in.leave()
}

// variable compiles a symbol that stands for its value.
func (c *comp) variable(s *sexp.Symbol) code {
	if s.Keyword || s == sexp.Nil || s == sexp.T {
		return constant(s)
	}
	c.in.steps(1 + c.fn.slots/64)
	if b := c.env.variable(s); b != nil {
		switch b.kind {
		case envVar:
			return c.get(b.v)
		case envSymMacro:
			return c.expansion(s, b.exp)
		case envShadow:
			c.in.failAt(c.pos, s, "`%s` is a variable of the program: it has no value at compile time", s.Display())
		}
	}
	g := c.in.global(s)
	if g.symMacro != nil {
		return c.expansion(s, g.symMacro)
	}
	if g.constant && g.val != nil {
		return constant(g.val)
	}
	r, pos, env := c.ref(s), c.pos, c.env
	return func(f *frame) Value {
		g := r.of(f.in)
		if g.special {
			f.in.apart()
		}
		if g.val == nil {
			f.in.unbound(s, pos, env)
		}
		return g.val
	}
}

// expansion compiles what a symbol macro stands for.
func (c *comp) expansion(s *sexp.Symbol, x Value) code {
	c.nest++
	if c.nest > maxExpanding {
		c.in.pos = c.pos
		c.in.limit("the symbol macro `%s` expands without end", s.Display())
	}
	k := c.tail(x)
	c.nest--
	c.one = false
	return k
}

// setter compiles an assignment to the variable s.
func (c *comp) setter(s *sexp.Symbol) func(f *frame, x Value) {
	if b := c.env.variable(s); b != nil {
		switch b.kind {
		case envVar:
			return c.put(b.v)
		case envShadow:
			c.in.failAt(c.pos, s, "`%s` is a variable of the program: compile-time code cannot set it", s.Display())
		}
	}
	if s.Keyword || c.in.global(s).constant {
		c.in.failAt(c.pos, s, "`%s` is a constant and cannot be set", s.Display())
	}
	r := c.ref(s)
	return func(f *frame, x Value) {
		f.in.apart()
		g := r.of(f.in)
		if g.constant {
			f.in.failAt(source.Pos{}, s, "`%s` is a constant and cannot be set", s.Display())
		}
		g.val = x
	}
}

// body compiles forms in sequence; the last is in tail position.
func (c *comp) body(forms Value) code {
	sig := c.sig
	var ks []code
	for cell, ok := forms.(*sexp.Cons); ok; cell, ok = forms.(*sexp.Cons) {
		forms = cell.Cdr
		if _, more := forms.(*sexp.Cons); more {
			c.sig = nil
			ks = append(ks, c.formAt(cell))
		} else {
			c.sig = sig
			ks = append(ks, c.tailAt(cell))
		}
	}
	c.sig = sig
	switch len(ks) {
	case 0:
		c.one = true
		return nilCode
	case 1:
		return ks[0]
	case 2:
		a, b := ks[0], ks[1]
		return func(f *frame) Value { a(f); return b(f) }
	}
	last := ks[len(ks)-1]
	ks = ks[:len(ks)-1]
	return func(f *frame) Value {
		for _, k := range ks {
			k(f)
		}
		return last(f)
	}
}

// scoped runs compile in the current environment and then forgets what it
// added to it.
func (c *comp) scoped(compile func() code) code {
	env := c.env
	k := compile()
	c.env = env
	return k
}
