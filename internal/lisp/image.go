package lisp

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// An Image has a Library's functions and macros compiled, for all evaluators
// of a process. An evaluator takes one where compiling it would give the same:
// where nothing that the compilation looked at is the source's own, and where
// its symbols are the evaluator's. What is taken and what is compiled anew
// mean the same, and count the same against the limits.
type Image struct {
	mu   sync.Mutex
	in   *Interp // compiles; nothing of it is in what it compiles
	pool *sexp.Pool
	done map[*sexp.Symbol]*shared
}

// A shared function is compiled code that any evaluator may run: it reaches
// what is global by the symbol, in the evaluator that runs it.
type shared struct {
	name  *sexp.Symbol
	src   *sexp.Cons
	lam   *lambda        // nil: each evaluator must compile it for itself
	ran   []*shared      // while it was compiled
	asked []*sexp.Symbol // whose global meaning decided something
	syms  []*sexp.Symbol // that are in it, but those of the base

	asking, holding map[*sexp.Symbol]bool // asked and syms, while it is compiled
}

// NewImage makes an image of o.Library, which is read into o.Table. That is on
// the base on which the tables of the evaluators are, which does not change.
// Of the host's functions only names and parameters count: what calls one
// while it is compiled cannot be shared.
func NewImage(o Options) *Image {
	m := &Image{pool: sexp.NewPool(), done: map[*sexp.Symbol]*shared{}}
	o.Table.Draw(m.pool, true)
	refuse := func(in *Interp, _ []Value) Value { in.apart(); return nil }
	builtins := make([]Builtin, len(o.Builtins))
	for i, b := range o.Builtins {
		b.Fn = refuse
		builtins[i] = b
	}
	specials := make([]Special, len(o.Specials))
	for i, s := range o.Specials {
		s.Fn = func(in *Interp, _ *sexp.Cons, _ *Env) Value { in.apart(); return nil }
		specials[i] = s
	}
	o.Builtins, o.Specials = builtins, specials
	m.in = New(o)
	m.in.builds = m
	o.Table.Watch(func(s *sexp.Symbol) {
		if m.in.rec != nil {
			m.in.rec.holding[s] = true
		}
	})
	return m
}

// notShared is the panic that ends the compilation of what cannot be shared.
type notShared struct{}

// apart is called by what only the evaluator of a source may do.
func (in *Interp) apart() {
	if in.builds != nil {
		panic(notShared{})
	}
}

// find gives the shared function of that name.
func (m *Image) find(name *sexp.Symbol) *shared {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.done[name]
	if s == nil {
		s = m.build(name)
	}
	return s
}

// build compiles a function, and before it what it uses while it is compiled.
func (m *Image) build(name *sexp.Symbol) (s *shared) {
	in := m.in
	s = &shared{name: name, asking: map[*sexp.Symbol]bool{}, holding: map[*sexp.Symbol]bool{}}
	m.done[name] = s
	outer, mark := in.rec, in.mark()
	in.rec = s
	in.stepsLeft, in.cellsLeft = in.opt.MaxSteps, in.opt.MaxCells
	defer func() {
		in.rec = outer
		if r := recover(); r != nil {
			in.restore(mark)
			s.lam = nil
			if outer != nil {
				panic(r) // what uses it while it is compiled cannot either
			}
		}
	}()
	fn := in.global(name).library()
	in.compileNow(fn)
	s.src, s.lam = fn.src, fn.lam
	symbolsOf(s.src, s.holding)
	maps.DeleteFunc(s.holding, func(sym *sexp.Symbol, _ bool) bool { return !in.table.Own(sym) })
	s.asked, s.syms = byName(s.asking), byName(s.holding)
	s.asking, s.holding = nil, nil
	return s
}

func byName(set map[*sexp.Symbol]bool) []*sexp.Symbol {
	return slices.SortedFunc(maps.Keys(set), func(a, b *sexp.Symbol) int { return strings.Compare(a.Name, b.Name) })
}

// need is called for what runs to compile something else.
func (m *Image) need(fn *Function) {
	s := m.done[fn.Name()]
	if s == nil {
		s = m.build(fn.Name())
	}
	if s.lam == nil {
		m.in.apart()
	}
	if ran := &m.in.rec.ran; !slices.Contains(*ran, s) {
		*ran = append(*ran, s)
	}
}

// symbolsOf adds the symbols of a datum to set.
func symbolsOf(v Value, set map[*sexp.Symbol]bool) {
	for {
		switch x := v.(type) {
		case *sexp.Symbol:
			if x.Interned {
				set[x] = true
			}
			return
		case *sexp.Cons:
			symbolsOf(x.Car, set)
			v = x.Cdr
			continue
		case *sexp.Vector:
			for _, item := range x.Items {
				symbolsOf(item, set)
			}
		}
		return
	}
}

// adopt gives the function of that name its code from the image, and with it
// those that would run to compile it. It reports whether it could.
func (m *Image) adopt(in *Interp, name *sexp.Symbol) bool {
	s := m.find(name)
	if in.takes(s) {
		in.take(s)
		return true
	}
	return false
}

// takes reports whether s means in in what it means in the image, and makes
// its symbols those of in.
func (in *Interp) takes(s *shared) bool {
	if in.taken == nil {
		in.taken = map[*shared]bool{}
	}
	if in.takenAt != in.owns {
		in.takenAt = in.owns
		clear(in.taken)
	}
	if ok, known := in.taken[s]; known {
		return ok
	}
	in.taken[s] = s.lam != nil // so far, for what uses itself
	ok := in.means(s)
	in.taken[s] = ok
	return ok
}

func (in *Interp) means(s *shared) bool {
	if s.lam == nil {
		return false
	}
	for _, sym := range s.asked {
		if !in.pristine(sym) {
			return false
		}
	}
	if fn := in.global(s.name).library(); fn.lam != nil && fn.lam != s.lam {
		return false // it was compiled when something was the source's own
	}
	for _, used := range s.ran {
		if !in.takes(used) {
			return false
		}
	}
	for _, sym := range s.syms {
		if !in.table.Take(sym) {
			return false
		}
	}
	return true
}

// take gives the function its code.
func (in *Interp) take(s *shared) {
	fn := in.global(s.name).library()
	if fn.lam != nil {
		return
	}
	fn.src, fn.read, fn.pos, fn.lam = s.src, nil, s.src.Pos, s.lam
	in.adopted = append(in.adopted, s)
	for _, used := range s.ran {
		in.take(used)
	}
}

// library is what the Library has under the name, where nothing has taken its
// place.
func (g *global) library() *Function {
	if g.macro != nil {
		return g.macro
	}
	return g.fn
}

// pristine reports whether the source has defined nothing under sym.
func (in *Interp) pristine(sym *sexp.Symbol) bool {
	g := in.globals[sym]
	if g == nil {
		return true
	}
	macro, library := in.opt.Library.Names[sym]
	if (g.macro != nil) != (library && macro) || (g.fn != nil) != (library && !macro) || g.macro != nil && !g.macro.prelude || g.fn != nil && !g.fn.prelude {
		return false
	}
	if g.symMacro != nil || g.setf != nil || g.expander != nil || g.deftype != nil {
		return false
	}
	if (g.special || g.constant) && !sym.Keyword && sym != sexp.Nil && sym != sexp.T {
		_, special, ok := in.standardVariable(sym.Name)
		return ok && sym.Interned && g.special == special && g.constant == !special
	}
	return true
}

// A ref is a global as compiled code has it: the record itself, or only its
// symbol, in code that several evaluators run.
type ref struct {
	g   *global
	sym *sexp.Symbol
}

func (c *comp) ref(sym *sexp.Symbol) ref {
	g := c.in.global(sym)
	if c.in.builds != nil {
		g = nil
	}
	return ref{g, sym}
}

func (r ref) shared() bool { return r.g == nil }

func (r ref) of(in *Interp) *global {
	if r.g != nil {
		return r.g
	}
	return in.global(r.sym)
}

// fn gives the function that is defined under the name; builtin, which may be
// nil, is what it means if none is.
func (r ref) fn(in *Interp, builtin *Function) *Function {
	if r.g != nil {
		return r.g.fn
	}
	if builtin != nil && !in.ownFunctions {
		return nil
	}
	return in.global(r.sym).fn
}
