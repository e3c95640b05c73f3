package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// An Env is one lexical binding on top of others; nil is the global
// environment. Compiled code has no use for it any more, except where it
// hands it to a macro (&environment) or to a special operator of the host.
type Env struct {
	up   *Env
	kind envKind
	name *sexp.Symbol
	v    *lexVar          // a variable or a local function
	fn   *Function        // a local macro
	exp  Value            // of a symbol macro
	exit *exitPoint       // a block or tagbody
	live map[*lexVar]*box // the variables of running code

	depth int       // how many of Shadow's bindings are here in a row
	index *envIndex // of this one and some of those above, where there are many
}

// An envIndex tells which names indexed bindings may be of: the host may bind
// thousands of variables, one inside of the other, and look for another name.
type envIndex struct {
	names [4]uint64
	up    *Env // the next one that it says nothing of
}

// indexed is how many bindings an index is of.
const indexed = 64

func hash(sym *sexp.Symbol) (word int, bit uint64) {
	h := uint32(2166136261)
	for _, c := range []byte(sym.Name) {
		h = (h ^ uint32(c)) * 16777619
	}
	return int(h >> 8 & 3), 1 << (h & 63)
}

// find gives the innermost binding of sym for which is holds.
func (e *Env) find(sym *sexp.Symbol, is func(k envKind) bool) *Env {
	word, bit := -1, uint64(0)
	for e != nil {
		if e.index != nil {
			if word < 0 {
				word, bit = hash(sym)
			}
			if e.index.names[word]&bit == 0 {
				e = e.index.up
				continue
			}
		}
		if e.name == sym && is(e.kind) {
			return e
		}
		e = e.up
	}
	return nil
}

type envKind uint8

const (
	envVar      envKind = iota
	envSpecial          // name is declared special here
	envFun              // flet, labels
	envSetf             // (flet (((setf name) ...)))
	envMacro            // macrolet
	envSymMacro         // symbol-macrolet
	envBlock
	envTag
	envShadow // name means something of the host's
	envLive
)

// PrintLisp makes an environment printable.
func (e *Env) PrintLisp() string { return "#<environment>" }

func (e *Env) liveBox(v *lexVar) *box {
	for ; e != nil; e = e.up {
		if b := e.live[v]; b != nil {
			return b
		}
	}
	return nil
}

// variable finds what sym means as a variable: nil if nothing local.
func (e *Env) variable(sym *sexp.Symbol) *Env {
	return e.find(sym, func(k envKind) bool { return k == envVar || k == envSpecial || k == envSymMacro || k == envShadow })
}

// function finds what sym means as an operator: nil if nothing local.
func (e *Env) function(sym *sexp.Symbol) *Env {
	return e.find(sym, func(k envKind) bool { return k == envFun || k == envMacro || k == envShadow })
}

func (e *Env) hidesFunction(sym *sexp.Symbol) bool {
	b := e.function(sym)
	return b != nil && b.kind != envMacro
}

func (e *Env) localMacro(sym *sexp.Symbol) *Function {
	if b := e.function(sym); b != nil {
		return b.fn
	}
	return nil
}

// Shadow hides macros and symbol macros of these names: the host binds them
// as its own variables or functions.
func (e *Env) Shadow(syms ...*sexp.Symbol) *Env {
	for _, s := range syms {
		n := &Env{up: e, kind: envShadow, name: s, depth: 1}
		if e != nil {
			n.depth += e.depth
		}
		if n.depth%indexed == 0 {
			n.index = &envIndex{}
			up := n
			for range indexed {
				word, bit := hash(up.name)
				n.index.names[word] |= bit
				up = up.up
			}
			n.index.up = up
		}
		e = n
	}
	return e
}

// Mentions reports whether the host or the source binds sym as anything.
func (e *Env) Mentions(sym *sexp.Symbol) bool {
	return e.find(sym, func(envKind) bool { return true }) != nil
}

// Shadowed reports whether sym is hidden by the host or bound locally.
func (e *Env) Shadowed(sym *sexp.Symbol) bool {
	v, f := e.variable(sym), e.function(sym)
	return v != nil && v.kind == envShadow || f != nil && f.kind == envShadow
}

// WithMacrolet adds the definitions ((name lambda-list body...) ...).
func (in *Interp) WithMacrolet(env *Env, bindings Value) (e *Env, err error) {
	defer in.edge(in.mark(), in.pos, &err)
	return in.macrolet(env, bindings, in.pos), nil
}

// WithSymbolMacrolet adds the definitions ((name expansion) ...).
func (in *Interp) WithSymbolMacrolet(env *Env, bindings Value) (e *Env, err error) {
	defer in.edge(in.mark(), in.pos, &err)
	return in.symbolMacrolet(env, bindings, in.pos), nil
}

func (in *Interp) macrolet(env *Env, bindings Value, pos source.Pos) *Env {
	e := env
	for _, d := range in.listOf(bindings, "macrolet") {
		def, ok := d.(*sexp.Cons)
		name, isSym := Value(nil), false
		var sym *sexp.Symbol
		if ok {
			name = def.Car
			sym, isSym = name.(*sexp.Symbol)
		}
		if !isSym {
			in.fail(errAt(sexp.PosOf(d).Or(pos), d, "malformed macrolet definition %s", show(d)).WithExpected("(name (parameter...) body...)"))
		}
		e = &Env{up: e, kind: envMacro, name: sym, fn: &Function{name: sym, src: def, skip: 1, macro: true, pos: def.Pos.Or(pos), env: env}}
	}
	return e
}

func (in *Interp) symbolMacrolet(env *Env, bindings Value, pos source.Pos) *Env {
	e := env
	for _, d := range in.listOf(bindings, "symbol-macrolet") {
		def, ok := sexp.Slice(d)
		if !ok || len(def) != 2 || !isSymbol(def[0]) {
			in.fail(errAt(sexp.PosOf(d).Or(pos), d, "malformed symbol-macrolet definition %s", show(d)).WithExpected("(name expansion)"))
		}
		e = &Env{up: e, kind: envSymMacro, name: def[0].(*sexp.Symbol), exp: def[1]}
	}
	return e
}

// Macro gives the macro that sym names in env, or globally.
func (in *Interp) Macro(sym *sexp.Symbol, env *Env) (*Function, bool) {
	m := in.macroFor(sym, env)
	return m, m != nil
}

func (in *Interp) macroFor(sym *sexp.Symbol, env *Env) *Function {
	if b := env.function(sym); b != nil {
		return b.fn
	}
	if g := in.find(sym); g != nil {
		return g.macro
	}
	return nil
}

// evalMacro gives the global macro that compile-time code means by sym. The
// prelude's macros define the language of program bodies: where one has the
// name of a standard function, compile-time code means the function.
func (in *Interp) evalMacro(sym *sexp.Symbol) *Function {
	g := in.find(sym)
	if g == nil || g.macro == nil || g.macro.prelude && in.isFunction(sym) {
		return nil
	}
	return g.macro
}

// SymbolMacro gives the expansion of sym where it is a symbol macro.
func (in *Interp) SymbolMacro(sym *sexp.Symbol, env *Env) (Value, bool) {
	if b := env.variable(sym); b != nil {
		return b.exp, b.kind == envSymMacro
	}
	if g := in.lookUp(sym); g != nil && g.symMacro != nil {
		return g.symMacro, true
	}
	return nil, false
}

// Variable gives the value of a variable: one of the code that surrounds a
// special operator of the host, or a global one.
func (in *Interp) Variable(sym *sexp.Symbol, env *Env) (Value, bool) {
	if b := env.variable(sym); b != nil && b.kind != envSpecial {
		if b.kind == envVar {
			if cell := env.liveBox(b.v); cell != nil {
				return cell.v, true
			}
		}
		return nil, false
	}
	return in.Global(sym)
}

// Expand1 is macroexpand-1. An error inside of the macro names the macro in
// its expansion chain.
func (in *Interp) Expand1(form Value, env *Env) (v Value, expanded bool, err error) {
	defer in.edge(in.mark(), in.pos, &err)
	in.pos = sexp.PosOf(form).Or(in.pos)
	v, expanded = in.expand1(form, env)
	return v, expanded, nil
}

// ExpandSetf gives the form that stores value into a place for which the
// source has a defsetf or define-setf-expander.
func (in *Interp) ExpandSetf(place *sexp.Cons, value Value, env *Env) (v Value, expanded bool, err error) {
	head, ok := place.Car.(*sexp.Symbol)
	if !ok || env.localMacro(head) != nil || in.lookUp(head) == nil || in.lookUp(head).expander == nil {
		return nil, false, nil
	}
	defer in.edge(in.mark(), in.pos, &err)
	pos := sexp.PosOf(place).Or(in.pos)
	in.pos = pos
	p := in.place(place, env, pos)
	if len(p.stores) != 1 {
		return nil, false, source.Errorf(pos, "a place of %s is set by multiple values, which programs do not have", count(len(p.stores), "value")).WithCode("not-a-place")
	}
	binds := make([]Value, 0, len(p.vars)+1)
	for i := range p.vars {
		binds = append(binds, sexp.List(p.vars[i], p.vals[i]))
	}
	binds = append(binds, sexp.List(p.stores[0], value))
	return sexp.List(in.table.Intern("LET*"), sexp.List(binds...), p.set), true, nil
}

func (in *Interp) expand1(form Value, env *Env) (Value, bool) {
	switch x := form.(type) {
	case *sexp.Symbol:
		if v, ok := in.SymbolMacro(x, env); ok {
			return v, true
		}
	case *sexp.Cons:
		if head, ok := x.Car.(*sexp.Symbol); ok {
			if m := in.macroFor(head, env); m != nil {
				in.startExpanding(m, x.Pos.Or(in.pos))
				v := in.expand(m, x, env)
				in.expanding = in.expanding[:len(in.expanding)-1]
				return v, true
			}
		}
	}
	return form, false
}

// startExpanding notes that m is being expanded, for messages.
func (in *Interp) startExpanding(m *Function, pos source.Pos) {
	if len(in.expanding) >= maxExpanding {
		in.limit("macros are nested more than %d expansions deep: `%s` seems to expand without end", maxExpanding, m.display())
	}
	in.expanding = append(in.expanding, source.Frame{Name: m.display(), Pos: pos})
}

// expansionSteps is what an expansion counts for: what comes out of it is
// compiled, which costs more than the call of the macro.
const expansionSteps = 100

// expand calls the macro function.
func (in *Interp) expand(m *Function, form *sexp.Cons, env *Env) Value {
	var e Value = env
	if env == nil {
		e = sexp.Nil
	}
	in.steps(expansionSteps)
	return one(in.call(m, []Value{form, e}))
}

// envOf reads an environment argument of macroexpand and the like.
func (in *Interp) envOf(v Value) *Env {
	if e, ok := v.(*Env); ok {
		return e
	}
	return nil
}
