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
	pos, env := c.pos, c.env
	return func(f *frame) Value {
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
	g := c.in.global(s)
	return func(f *frame, x Value) {
		if g.constant {
			f.in.failAt(source.Pos{}, s, "`%s` is a constant and cannot be set", s.Display())
		}
		g.val = x
	}
}

// list compiles an operator form.
func (c *comp) list(x *sexp.Cons) code {
	head, ok := x.Car.(*sexp.Symbol)
	if !ok {
		if l, isList := x.Car.(*sexp.Cons); isList {
			if s, isSym := l.Car.(*sexp.Symbol); isSym && s.Name == "LAMBDA" {
				return c.callCode(c.valueAt(&sexp.Cons{Car: l, At: l.Pos}), x)
			}
		}
		c.in.fail(errAt(x.At.Or(c.pos), x.Car, "%s is not an operator", show(x.Car)).WithExpected("a function, macro or special form first in the list"))
	}
	if b := c.env.function(head); b != nil {
		switch b.kind {
		case envFun:
			return c.callCode(c.get(b.v), x)
		case envMacro:
			return c.macroCall(b.fn, x)
		}
		c.in.failAt(x.At.Or(c.pos), head, "`%s` is a function of the program: compile-time code cannot call it", head.Display())
	}
	if head.Interned && !head.Keyword {
		if sf := findSpecial(head.Name); sf != nil {
			n := length(x.Cdr)
			if n < sf.min || sf.max >= 0 && n > sf.max {
				c.malformed(x, n, sf.params)
			}
			if sf.macro != nil {
				c.in.pos = c.pos
				return c.again(sf.macro(c, x))
			}
			return sf.compile(c, x)
		}
		if sp := c.in.hostSpecial(head.Name); sp != nil {
			return c.hostForm(sp, x)
		}
	}
	if m := c.in.evalMacro(head); m != nil {
		return c.macroCall(m, x)
	}
	return c.globalCall(head, x)
}

// again compiles an expansion in place of the form.
func (c *comp) again(x Value) code {
	c.deeper()
	k := c.tail(x)
	c.shallower()
	return k
}

func (c *comp) malformed(x *sexp.Cons, n int, params string) {
	head := x.Car.(*sexp.Symbol).Display()
	if n < 0 {
		c.in.fail(errAt(c.pos, x, "`%s` is a dotted list", head).WithExpected("(%s %s)", head, params))
	}
	c.in.fail(errAt(c.pos, x, "`%s` with %s", head, count(n, "argument")).WithExpected("(%s)", joinWords(head, params)))
}

func (c *comp) macroCall(m *Function, x *sexp.Cons) code {
	in := c.in
	saved := in.pos
	in.pos = c.pos
	in.startExpanding(m, c.pos)
	k := c.again(in.expand(m, x, c.env))
	in.expanding = in.expanding[:len(in.expanding)-1]
	in.pos = saved
	return k
}

// hostForm calls a special operator of the host. It sees the values of the
// variables around it through the environment.
func (c *comp) hostForm(sp *Special, x *sexp.Cons) code {
	env, pos := c.env, c.pos
	type visible struct {
		v   *lexVar
		box func(f *frame) *box
	}
	var vars []visible
	for e := env; e != nil; e = e.up {
		if e.kind == envVar || e.kind == envFun || e.kind == envSetf {
			if env.liveBox(e.v) == nil {
				vars = append(vars, visible{e.v, c.boxOf(e.v)})
			}
		}
	}
	return func(f *frame) Value {
		f.in.step()
		f.in.pos = pos
		e := env
		if len(vars) > 0 {
			e = &Env{up: env, kind: envLive, live: make(map[*lexVar]*box, len(vars))}
			for _, v := range vars {
				e.live[v.v] = v.box(f)
			}
		}
		return sp.Fn(f.in, x, e)
	}
}

// args compiles the arguments of a call.
func (c *comp) args(x *sexp.Cons) []code {
	var ks []code
	rest := x.Cdr
	for {
		cell, ok := rest.(*sexp.Cons)
		if !ok {
			break
		}
		ks = append(ks, c.valueAt(cell))
		rest = cell.Cdr
		if len(ks) > 100_000 {
			c.in.failAt(c.pos, x, "a call with more than 100000 arguments")
		}
	}
	if rest != Value(sexp.Nil) {
		c.in.fail(errAt(c.pos, x, "this call is a dotted list").WithExpected("(%s argument...)", show(x.Car)))
	}
	return ks
}

// globalCall compiles a call of a function that is looked up by name: it may
// be defined later.
func (c *comp) globalCall(head *sexp.Symbol, x *sexp.Cons) code {
	pos, at := c.pos, x.At.Or(c.pos)
	args := c.args(x)
	g, env := c.in.global(head), c.env
	var builtin *Function
	if g.fn == nil {
		builtin = c.in.builtinFor(head)
	}
	c.one = builtin != nil && !manyValued[head.Name]
	if builtin != nil {
		if n := len(args); n < builtin.min || builtin.max >= 0 && n > builtin.max {
			c.in.pos = c.pos
		}
		switch len(args) {
		case 1:
			if builtin.min <= 1 && (builtin.max < 0 || builtin.max >= 1) {
				return c.call1(g, builtin, args[0], pos)
			}
		case 2:
			if builtin.min <= 2 && (builtin.max < 0 || builtin.max >= 2) {
				return c.call2(g, builtin, args[0], args[1], pos)
			}
		}
	}
	single := c.one
	return func(f *frame) Value {
		in := f.in
		n := len(in.stack)
		for _, a := range args {
			v := a(f)
			in.stack = append(in.stack, v)
		}
		fn := g.fn
		if fn == nil {
			if fn = builtin; fn == nil {
				if fn = in.globalFunction(head); fn == nil {
					in.undefined(head, at, env)
				}
			}
		}
		in.pos = pos
		v := in.call(fn, in.stack[n:len(in.stack):len(in.stack)])
		in.stack = in.stack[:n]
		if single {
			return one(v)
		}
		return v
	}
}

// call1 and call2 are calls of a standard function with few arguments.
func (c *comp) call1(g *global, builtin *Function, a code, pos source.Pos) code {
	return func(f *frame) Value {
		in := f.in
		n := len(in.stack)
		v := a(f)
		in.stack = append(in.stack, v)
		in.pos = pos
		if g.fn != nil {
			v = one(in.call(g.fn, in.stack[n:n+1:n+1]))
		} else {
			in.step()
			v = builtin.fn(in, in.stack[n:n+1:n+1])
		}
		in.stack = in.stack[:n]
		return v
	}
}

func (c *comp) call2(g *global, builtin *Function, a, b code, pos source.Pos) code {
	return func(f *frame) Value {
		in := f.in
		n := len(in.stack)
		v := a(f)
		in.stack = append(in.stack, v)
		v = b(f)
		in.stack = append(in.stack, v)
		in.pos = pos
		if g.fn != nil {
			v = one(in.call(g.fn, in.stack[n:n+2:n+2]))
		} else {
			in.step()
			v = builtin.fn(in, in.stack[n:n+2:n+2])
		}
		in.stack = in.stack[:n]
		return v
	}
}

// callCode compiles a call of the function that fn gives.
func (c *comp) callCode(fn code, x *sexp.Cons) code {
	pos := c.pos
	args := c.args(x)
	c.one = false
	return func(f *frame) Value {
		in := f.in
		fv := fn(f)
		n := len(in.stack)
		for _, a := range args {
			v := a(f)
			in.stack = append(in.stack, v)
		}
		in.pos = pos
		v := in.call(fv.(*Function), in.stack[n:len(in.stack):len(in.stack)])
		in.stack = in.stack[:n]
		return v
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

// closure compiles a function form: (name lambda-list . body) from tail on.
// What it gives makes the closure at run time.
func (c *comp) closure(name Value, src *sexp.Cons, skip int, pos source.Pos, block *sexp.Symbol) func(f *frame) *Function {
	proto := &Function{name: name, src: src, skip: skip, pos: pos}
	fs := &fnState{up: c.fn}
	inner := &comp{in: c.in, fn: fs, env: c.env, pos: pos, nest: c.nest}
	base := c.nest
	fs.nest = base
	lam := inner.lambda(proto, false, block)
	lam.cost = 1 + (fs.nest-base)/20
	proto.lam = lam
	if fs.nest > c.fn.nest {
		c.fn.nest = c.nest + 1
	}
	if len(fs.caps) == 0 {
		return func(*frame) *Function { return proto }
	}
	boxes := make([]func(f *frame) *box, len(fs.caps))
	for i, v := range fs.caps {
		boxes[i] = c.boxOf(v)
	}
	return func(f *frame) *Function {
		f.in.alloc(int64(8 + len(boxes)))
		fn := *proto
		fn.caps = make([]*box, len(boxes))
		for i, b := range boxes {
			fn.caps[i] = b(f)
		}
		return &fn
	}
}

// compileFunction compiles a global function or macro at its first call.
func (in *Interp) compileFunction(fn *Function) {
	saved := in.pos
	expanding := in.expanding
	in.enter()
	c := &comp{in: in, fn: &fnState{}, env: fn.env, pos: fn.pos}
	var block *sexp.Symbol
	switch n := fn.name.(type) {
	case *sexp.Symbol:
		block = n
	case *sexp.Cons:
		block = setfName(n)
	}
	lam := c.lambda(fn, fn.macro, block)
	lam.cost = c.fn.cost()
	for _, v := range c.fn.caps {
		b := fn.env.liveBox(v)
		if b == nil {
			in.failAt(fn.pos, v.name, "`%s` uses the variable `%s`, which has no value when macros expand", fn.display(), v.name.Display())
		}
		fn.caps = append(fn.caps, b)
	}
	fn.lam = lam
	in.leave()
	in.pos = saved
	in.expanding = expanding
}

// lambda compiles lambda list and body of fn.
func (c *comp) lambda(fn *Function, macro bool, block *sexp.Symbol) *lambda {
	t, ok := fn.tail()
	if !ok {
		c.in.failAt(fn.pos, fn.src, "`%s` has no lambda list", fn.display())
	}
	_, decls, body := c.splitBody(t.Cdr, true)
	pat := c.pattern(t.Car, macro, decls, fn)
	c.declareRest(decls, pat)
	run := c.block(block, body)
	lam := &lambda{pat: pat, slots: c.fn.slots, body: run}
	lam.plain = !macro && pat.plain()
	return lam
}
