package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

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

// compileFunction compiles a global function or macro at its first call. What
// that takes for one of the Library counts for nothing.
func (in *Interp) compileFunction(fn *Function) {
	switch {
	case !fn.prelude:
		in.compileNow(fn)
	case in.opt.Image != nil && in.opt.Image.adopt(in, fn.Name()):
	default:
		steps, cells, gensyms, depth, expanding := in.stepsLeft, in.cellsLeft, in.gensyms, in.depth, in.expanding
		in.stepsLeft, in.cellsLeft, in.depth, in.expanding = defaultSteps, defaultCells, 0, nil
		in.compileNow(fn)
		in.stepsLeft, in.cellsLeft, in.gensyms, in.depth, in.expanding = steps, cells, gensyms, depth, expanding
	}
}

// compileNow does so.
func (in *Interp) compileNow(fn *Function) {
	fn.source()
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
	c.declareRest(decls)
	run := c.block(block, body)
	lam := &lambda{pat: pat, slots: c.fn.slots, body: run}
	lam.plain = !macro && pat.plain()
	return lam
}
