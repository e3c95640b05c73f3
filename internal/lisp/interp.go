// Package lisp is the compile-time evaluator: the Common Lisp subset in
// which macros run. A form is compiled once to a Go closure over numbered
// variable slots and then called; functions and macros are compiled at their
// first call, so that a large prelude costs nothing until it is used.
//
// An Interp is for one goroutine; any number of them may run at once.
package lisp

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/slab"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Value is any datum; see package sexp. The evaluator adds functions, hash
// tables, arrays, streams, conditions and environments.
type Value = sexp.Value

// Options configure an Interp. The zero value of each field is a default.
type Options struct {
	Table    *sexp.Table
	MaxSteps int64               // calls and loop turns; 0 means 10 million
	MaxCells int64               // memory in cells of 16 bytes, a cons is four; 0 means 10 million
	Builtins []Builtin           // the host's functions
	Specials []Special           // the host's special operators
	Warn     func(*source.Error) // receives (warn ...)
	Out      func(string)        // receives what (format t ...) and print write
	More     func() bool         // asked where a limit is reached: true gives as much once more
	// Constant finds the host's constants, for variables without a value.
	Constant func(name string) (int64, bool)
	Library  *Library // macros and functions of the host that are written in Lisp
	Image    *Image   // has those of the Library compiled; nil for none
}

// A Library has definitions that are read when somebody looks into them.
type Library struct {
	Names map[*sexp.Symbol]bool              // whether it is a macro
	Read  func(name *sexp.Symbol) *sexp.Cons // gives the (defmacro ...) or (defun ...)
}

// A Builtin is a function of the host. Args is valid during the call only.
type Builtin struct {
	Name     string // "MAP-KIND"
	Min, Max int    // number of arguments; Max -1 means any
	Params   string // lambda list, for messages: "map"
	Doc      string
	Fn       func(in *Interp, args []Value) Value
}

// A Special is an operator of the host that gets its form unevaluated; what
// Fn returns is the value of the form.
type Special struct {
	Name   string
	Params string
	Doc    string
	Fn     func(in *Interp, form *sexp.Cons, env *Env) Value
}

// Default limits.
const (
	defaultSteps = 10_000_000
	defaultCells = 10_000_000
	maxDepth     = 10_000    // nested calls, nested forms, nested data
	maxExpanding = 2_000     // macro expansions inside of each other
	maxStack     = 4_000_000 // arguments of calls under way
)

// An Interp evaluates Lisp. Everything that can change is in here.
type Interp struct {
	opt     Options
	table   *sexp.Table
	globals map[*sexp.Symbol]*global
	types   map[*sexp.Symbol]*condType // define-condition
	consts  []*global                  // defconstant, in order

	pos       source.Pos // the innermost form that runs and has a place
	stepsLeft int64
	cellsLeft int64
	depth     int
	gensyms   int64
	stdout    *stream

	records slab.Lent[global] // for global

	frames    []*frame // one for each running call, used again and again
	fp        int
	stack     []Value // arguments of running calls
	specials  []binding
	handlers  []handler
	expanding []source.Frame
	catches   []catch

	owns         int              // counts the source's changes of what names mean
	ownFunctions bool             // functions were defined, perhaps with names of standard ones
	adopted      []*shared        // of the image
	taken        map[*shared]bool // whether it can be, of those that were looked at
	takenAt      int              // and what owns was then
	builds       *Image           // that this evaluator is of
	rec          *shared          // what it compiles for that

	exiting *exit // the non-local exit under way
	dead    bool  // a limit was hit: no handler and no cleanup form runs
	sigVal  Value // the value that a return signal carries
}

// global is what the global environment knows of a symbol.
type global struct {
	sym       *sexp.Symbol
	val       Value // nil: unbound
	special   bool
	constant  bool
	fn        *Function // defun
	macro     *Function // defmacro
	symMacro  Value     // define-symbol-macro
	builtin   *Function // instance of the standard or host function
	looked    bool      // builtin has been looked for
	setf      *Function // (defun (setf name) ...)
	setfBuilt *Function // instance of a standard (setf name)
	setfLook  bool
	expander  *Function // defsetf and define-setf-expander: form, env -> five values
	deftype   *Function
	plist     Value
	varDoc    string
}

// owned is called where the source changes what a name means.
func (g *global) owned(in *Interp) *global {
	in.owns++
	return g
}

// own makes fn the function that the source has under the name.
func (g *global) own(in *Interp, fn *Function) {
	g.owned(in).fn = fn
	in.ownFunctions = true
}

// A binding is the value that a dynamic binding hides.
type binding struct {
	g   *global
	old Value
}

// New makes an evaluator with the standard operators and the host's.
func New(o Options) *Interp {
	if o.Table == nil {
		o.Table = sexp.NewTable(nil)
	}
	if o.Image != nil {
		o.Table.Draw(o.Image.pool, false)
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = defaultSteps
	}
	if o.MaxCells == 0 {
		o.MaxCells = defaultCells
	}
	in := &Interp{opt: o, table: o.Table}
	in.borrow()
	in.stepsLeft, in.cellsLeft = o.MaxSteps, o.MaxCells
	in.stdout = &stream{out: func(s string) {
		if in.opt.Out != nil {
			in.opt.Out(s)
		}
	}}
	return in
}

// global gives the record of sym, which it makes where needed.
func (in *Interp) global(sym *sexp.Symbol) *global {
	g := in.lookUp(sym)
	if g == nil {
		g = in.records.New(&recordPool)
		g.sym = sym
		in.globals[sym] = g
		if sym.Keyword || sym == sexp.Nil || sym == sexp.T {
			g.val, g.constant = sym, true
		} else if v, special, ok := in.standardVariable(sym.Name); ok && sym.Interned {
			g.val, g.special, g.constant = v, special, !special
		} else if in.opt.Constant != nil && sym.Interned {
			if n, ok := in.opt.Constant(sym.Name); ok {
				g.val = n
			}
		}
		if lib := in.opt.Library; lib != nil {
			if macro, ok := lib.Names[sym]; ok {
				fn := &Function{name: sym, read: lib.Read, macro: macro, prelude: true}
				if macro {
					g.macro = fn
				} else {
					g.fn = fn
				}
			}
		}
	}
	return g
}

// lookUp is the record of sym, nil if nobody has asked for one.
func (in *Interp) lookUp(sym *sexp.Symbol) *global {
	if in.rec != nil {
		in.rec.asking[sym] = true
	}
	return in.globals[sym]
}

// find is the record of sym, nil if there is none.
func (in *Interp) find(sym *sexp.Symbol) *global {
	g := in.lookUp(sym)
	if lib := in.opt.Library; g == nil && lib != nil {
		if _, ok := lib.Names[sym]; ok {
			return in.global(sym)
		}
	}
	return g
}

// A mark is a height of all the stacks, to which an exit returns.
type mark struct {
	fp, stack, depth, specials, expanding, catches int
	handlers                                       []handler
}

func (in *Interp) mark() mark {
	return mark{in.fp, len(in.stack), in.depth, len(in.specials), len(in.expanding), len(in.catches), in.handlers}
}

func (in *Interp) restore(m mark) {
	in.unbindTo(m.specials)
	in.fp, in.depth = m.fp, m.depth
	in.stack = in.stack[:m.stack]
	in.handlers = m.handlers
	in.expanding = in.expanding[:m.expanding]
	in.catches = in.catches[:m.catches]
}

func (in *Interp) bindSpecial(g *global, v Value) {
	if len(in.specials) > maxStack {
		in.alloc(in.opt.MaxCells + 1)
	}
	in.specials = append(in.specials, binding{g, g.val})
	g.val = v
}

func (in *Interp) unbindTo(n int) {
	for i := len(in.specials) - 1; i >= n; i-- {
		b := in.specials[i]
		b.g.val = b.old
	}
	in.specials = in.specials[:n]
}

// step counts one call or loop turn against the limit.
func (in *Interp) step() {
	in.stepsLeft--
	if in.stepsLeft < 0 && !in.spent() {
		in.limit("compile-time code took more than %d steps", in.opt.MaxSteps)
	}
}

// steps counts n units of work inside of a builtin.
func (in *Interp) steps(n int) {
	in.stepsLeft -= int64(n)
	if in.stepsLeft < 0 && !in.spent() {
		in.limit("compile-time code took more than %d steps", in.opt.MaxSteps)
	}
}

// alloc counts n cells; call it before the memory is taken.
func (in *Interp) alloc(n int64) {
	if n < 0 || n > in.cellsLeft && (!in.spent() || n > in.cellsLeft) {
		in.cellsLeft = 0
		in.limit("compile-time code needs more memory than its limit of %d cells", in.opt.MaxCells)
	}
	in.cellsLeft -= n
}

// enter bounds the recursion of builtins over nested data; pair with leave.
func (in *Interp) enter() {
	if in.depth++; in.depth > maxDepth {
		in.limit("compile-time code is nested more than %d calls deep", maxDepth)
	}
}

func (in *Interp) leave() { in.depth-- }

// limit ends the evaluation; no handler sees it.
func (in *Interp) limit(format string, args ...any) {
	in.dead = true
	e := in.errorHere(source.Errorf(in.pos, format, args...).WithCode("compile-time-limit"))
	if name := in.innermostMacro(); name != "" {
		e.WithHint("is there a loop or a recursion without end in `%s`?", name)
	} else {
		e.WithHint("is there a loop or a recursion without end?")
	}
	panic(&failure{err: e})
}

func (in *Interp) innermostMacro() string {
	if n := len(in.expanding); n > 0 {
		return in.expanding[n-1].Name
	}
	return ""
}

// errorHere completes e with place and expansion chain.
func (in *Interp) errorHere(e *source.Error) *source.Error {
	e.Pos = e.Pos.Or(in.pos)
	if e.Expansion == nil {
		for i := len(in.expanding) - 1; i >= 0 && len(e.Expansion) < 100; i-- {
			e.Expansion = append(e.Expansion, in.expanding[i])
		}
	}
	return e
}

// edge is deferred where the host calls in: it turns the panics of an
// evaluation into an error. An exit to a place further out passes.
func (in *Interp) edge(m mark, pos source.Pos, err *error) {
	if in.exiting != nil {
		return
	}
	r := recover()
	if r == nil {
		in.pos = pos
		return
	}
	in.restore(m)
	at := in.pos
	in.pos = pos
	if m.depth == 0 {
		in.dead = false
	}
	switch r := r.(type) {
	case *failure:
		*err = r.err
	case *source.Error:
		*err = r
	default:
		e := source.Errorf(at, "the evaluator failed: %v", r)
		e.Severity = source.SevBug
		*err = e
	}
}

// EvalTop evaluates a top-level form. The parts of progn, eval-when,
// macrolet and the like are top-level forms themselves, one after the other.
func (in *Interp) EvalTop(form Value, pos source.Pos) (v Value, err error) {
	defer in.edge(in.mark(), in.pos, &err)
	in.pos = sexp.PosOf(form).Or(pos)
	return in.top(form, in.pos, nil), nil
}

// Eval evaluates form in env; nil is the global environment.
func (in *Interp) Eval(form Value, env *Env) (v Value, err error) {
	defer in.edge(in.mark(), in.pos, &err)
	in.pos = sexp.PosOf(form).Or(in.pos)
	return one(in.eval(form, env, in.pos)), nil
}

// Apply calls a function or the function that a symbol names.
func (in *Interp) Apply(fn Value, args []Value) (v Value, err error) {
	defer in.edge(in.mark(), in.pos, &err)
	return one(in.call(in.function(fn), args)), nil
}

// eval compiles form and runs it at once.
func (in *Interp) eval(form Value, env *Env, pos source.Pos) Value {
	if _, isList := form.(*sexp.Cons); !isList {
		if s, isSym := form.(*sexp.Symbol); !isSym || s.Keyword {
			return form
		}
	}
	c := &comp{in: in, fn: &fnState{}, env: env, pos: pos}
	body := c.form(form)
	lam := &lambda{slots: c.fn.slots, cost: c.fn.cost()}
	var caps []*box
	for _, v := range c.fn.caps {
		b := env.liveBox(v)
		if b == nil {
			in.failAt(pos, v.name, "the variable `%s` has no value here", v.name.Display())
		}
		caps = append(caps, b)
	}
	f := in.push(lam, caps)
	v := body(f)
	in.pop(lam)
	return v
}

// top evaluates a form at top level.
func (in *Interp) top(form Value, pos source.Pos, env *Env) Value {
	c, ok := form.(*sexp.Cons)
	if !ok {
		return one(in.eval(form, env, pos))
	}
	pos = c.Pos.Or(pos)
	in.pos = pos
	head, ok := c.Car.(*sexp.Symbol)
	if !ok || env.hidesFunction(head) {
		return one(in.eval(form, env, pos))
	}
	switch {
	case env.localMacro(head) != nil:
	case head.Interned && !head.Keyword:
		switch head.Name {
		case "PROGN":
			return in.topBody(c.Cdr, pos, env)
		case "EVAL-WHEN", "LOCALLY":
			rest := in.listOf(c.Cdr, head.Display())
			if head.Name == "EVAL-WHEN" {
				if len(rest) == 0 {
					in.failAt(pos, c, "`eval-when` needs a list of situations")
				}
				return in.topBody(c.Cdr.(*sexp.Cons).Cdr, pos, env)
			}
			return in.topBody(skipDeclarations(c.Cdr), pos, env)
		case "MACROLET", "SYMBOL-MACROLET":
			rest, ok := c.Cdr.(*sexp.Cons)
			if !ok {
				in.failAt(pos, c, "`%s` needs a list of definitions", head.Display())
			}
			if head.Name == "MACROLET" {
				env = in.macrolet(env, rest.Car, pos)
			} else {
				env = in.symbolMacrolet(env, rest.Car, pos)
			}
			return in.topBody(skipDeclarations(rest.Cdr), pos, env)
		case "DEFMACRO", "DEFUN":
			if env == nil {
				return in.define(c, head.Name == "DEFMACRO", pos)
			}
		}
		if findSpecial(head.Name) != nil {
			return one(in.eval(form, env, pos))
		}
		if sp := in.hostSpecial(head.Name); sp != nil {
			in.step()
			return sp.Fn(in, c, env)
		}
		if in.evalMacro(head) == nil && in.isFunction(head) {
			return one(in.eval(form, env, pos))
		}
	}
	if m := in.macroFor(head, env); m != nil {
		n := len(in.expanding)
		in.startExpanding(m, pos)
		v := in.expand(m, c, env)
		in.pos = pos
		v = in.top(v, pos, env)
		in.expanding = in.expanding[:n]
		return v
	}
	return one(in.eval(form, env, pos))
}

func (in *Interp) topBody(body Value, pos source.Pos, env *Env) Value {
	var v Value = sexp.Nil
	in.enter()
	for c, ok := body.(*sexp.Cons); ok; c, ok = c.Cdr.(*sexp.Cons) {
		v = in.top(c.Car, c.At.Or(pos), env)
	}
	in.leave()
	return v
}

// Truthy is true for everything but nil.
func (in *Interp) Truthy(v Value) bool { return v != Value(sexp.Nil) }

// Table is where the evaluator interns symbols.
func (in *Interp) Table() *sexp.Table { return in.table }

// Pos is the place of the form that runs.
func (in *Interp) Pos() source.Pos { return in.pos }

// Global gives the value of a defvar, defparameter or defconstant.
func (in *Interp) Global(sym *sexp.Symbol) (Value, bool) {
	g := in.global(sym)
	return g.val, g.val != nil
}

// SetGlobal defines a constant or a special variable.
func (in *Interp) SetGlobal(sym *sexp.Symbol, v Value, constant bool) {
	g := in.global(sym)
	g.owned(in)
	g.val, g.constant, g.special = v, constant, !constant
}

// IsConstant reports whether sym was defined by defconstant.
func (in *Interp) IsConstant(sym *sexp.Symbol) bool { return in.global(sym).constant }

// Constants lists what the source's defconstants defined, in their order.
func (in *Interp) Constants() (syms []*sexp.Symbol) {
	for _, g := range in.consts {
		syms = append(syms, g.sym)
	}
	return syms
}

// GlobalFunction gives what a defun defined; standard functions do not count.
func (in *Interp) GlobalFunction(sym *sexp.Symbol) (Value, bool) {
	if g := in.find(sym); g != nil && g.fn != nil {
		return g.fn, true
	}
	return nil, false
}

// Doc gives the docstring of a macro, function or variable; kind is
// "function" or "variable".
func (in *Interp) Doc(sym *sexp.Symbol, kind string) string {
	g := in.global(sym)
	if kind == "variable" {
		return g.varDoc
	}
	for _, fn := range []*Function{g.macro, g.fn} {
		if fn != nil {
			return fn.Doc()
		}
	}
	if sp := in.hostSpecial(sym.Name); sp != nil {
		return sp.Doc
	}
	if fn := in.builtinFor(sym); fn != nil {
		return fn.doc
	}
	return ""
}

// MacroLambdaList gives the lambda list that a defmacro was written with.
func (in *Interp) MacroLambdaList(sym *sexp.Symbol) (Value, bool) {
	if g := in.find(sym); g != nil && g.macro != nil {
		return g.macro.LambdaList()
	}
	return nil, false
}

// Gensym makes a fresh uninterned symbol.
func (in *Interp) Gensym(prefix string) *sexp.Symbol {
	in.gensyms++
	name := fmt.Sprintf("%s%d", prefix, in.gensyms)
	return &sexp.Symbol{Name: name}
}
