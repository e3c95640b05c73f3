package lang

import (
	"math/big"
	"strings"
	"sync"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/prelude"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// preludeBase has the names of what the prelude defines. Macros for bodies
// may have the names of compile-time functions (min, abs, 1+); they live under
// bodyPrefix+NAME, so that macro code still sees the functions.
var preludeBase = sync.OnceValue(func() *base {
	ds := prelude.Definitions()
	b := &base{table: sexp.NewTable(nil), defs: make(map[string]*preludeDef, len(ds)), all: make([]preludeDef, len(ds)), names: make(map[*sexp.Symbol]bool, len(ds))}
	for i, d := range ds {
		def := &b.all[i]
		def.Definition = d
		def.sym = b.table.InternAs(strings.ToUpper(d.Name), d.Name)
		b.defs[def.sym.Name] = def
		if d.Macro {
			def.sym = b.table.Intern(bodyPrefix + def.sym.Name)
		}
		b.names[def.sym] = d.Macro
	}
	return b
})

// read reads a definition of the prelude, into a table on top of b's.
func (b *base) read(name string, table *sexp.Table) *sexp.Cons {
	d := b.defs[strings.TrimPrefix(name, bodyPrefix)]
	v, err := sexp.ReadAt(d.At, table)
	form, ok := v.(*sexp.Cons)
	if err != nil || !ok {
		panic("prelude: " + d.Name + " cannot be read: " + sexp.Print(v))
	}
	if d.Macro {
		rest := form.Cdr.(*sexp.Cons)
		form = &sexp.Cons{Car: form.Car, Pos: form.Pos, Cdr: &sexp.Cons{Car: d.sym, Cdr: rest.Cdr}}
	}
	return form
}

const bodyPrefix = "%BODY/"

// A val is a lowered expression: a value and its static type.
type val struct {
	v *ir.Value
	t *types.Type
}

// A lowerer lowers the body of one program.
type lowerer struct {
	*builder
	c        *compiler
	prog     *Program
	pos      source.Pos // innermost form with a place
	user     sexp.Value // the user's form around the expansion that is lowered
	frames   []source.Frame
	scope    *scope
	ctxVar   *variable // the context
	sub      *Sub      // the subprogram whose body this is, nil in a program
	outer    *lowerer  // the function around a callback's body
	closure  *closure  // of a callback's body
	blocks   []*blockTarget
	cleanups []cleanup
	free     map[int][]int // stack slots of temporaries that are free again, by size
	depth    int
	internal int       // inside of a prelude macro's expansion
	faults   *variable // counts the kernel reads that failed, nil if nobody asks
	// callbacks counts the callbacks of a program or subprogram.
	callbacks int
}

// A scope is what names mean, innermost first.
type scope struct {
	up   *scope
	name *sexp.Symbol
	v    *variable
	fn   *localFunc
	env  *lisp.Env // macros in force
}

func (l *lowerer) env() *lisp.Env {
	if l.scope == nil {
		return nil
	}
	return l.scope.env
}

func (l *lowerer) bind(name *sexp.Symbol, v *variable) {
	l.scope = &scope{up: l.scope, name: name, v: v, env: l.env().Shadow(name)}
}

func (l *lowerer) lookup(name *sexp.Symbol) *variable {
	if !l.env().Mentions(name) {
		return nil
	}
	for s := l.scope; s != nil; s = s.up {
		if s.name == name && s.v != nil {
			return s.v
		}
	}
	return nil
}

// fail ends the lowering of the current form. culprit is the datum that is
// wrong, nil for the whole form.
func (l *lowerer) fail(culprit sexp.Value, format string, args ...any) *source.Error {
	e := source.Errorf(l.pos, format, args...)
	e.Culprit = culprit
	if p := sexp.PosOf(culprit); culprit != nil && p.Known() && !prelude.IsPrelude(p.File) {
		e.Pos = p
	} else if culprit != nil && l.user != nil {
		if p, ok := locate(l.user, culprit, 0); ok {
			e.Pos = p
		}
	}
	for i := len(l.frames) - 1; i >= 0; i-- {
		e.Expansion = append(e.Expansion, l.frames[i])
	}
	return e
}

func (l *lowerer) warn(culprit sexp.Value, format string, args ...any) *source.Error {
	e := l.fail(culprit, format, args...)
	e.Severity = source.SevWarning
	l.c.unit.Warnings = append(l.c.unit.Warnings, e)
	return e
}

// guard runs f; an error ends f only, and is reported.
func (l *lowerer) guard(f func() val) (v val) {
	saved := *l
	depth := l.depth
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *source.Error:
			if e.Severity == source.SevBug || e.Code == "endless-macro" || e.Code == "compile-time-limit" || len(l.c.errs) > maxErrors {
				panic(e) // going on would only give more of the same
			}
			l.c.report(e, l.user, l.pos)
			l.pos, l.user, l.frames, l.scope, l.blocks, l.cleanups = saved.pos, saved.user, saved.frames, saved.scope, saved.blocks, saved.cleanups
			l.depth, l.internal = depth, saved.internal
			if l.cur == nil || l.cur.Term != nil {
				l.unreachable()
			}
			v = val{l.constant(0, l.pos), types.Nowhere}
		default:
			panic(e)
		}
	}()
	return f()
}

const maxNesting = 3000

// maxErrors is how many errors of a source are reported.
const maxErrors = 50

// expr lowers a form. at is the place of the form where the form itself has
// none (symbols and numbers), unknown inside of expansions.
func (l *lowerer) expr(form sexp.Value, at source.Pos) val {
	if l.depth++; l.depth > maxNesting {
		panic(l.fail(nil, "forms are nested more than %d deep", maxNesting).WithHint("is a macro expanding into itself?").WithCode("nesting"))
	}
	defer func() { l.depth-- }()
	switch x := form.(type) {
	case *sexp.Cons:
		savedPos, savedUser := l.pos, l.user
		if x.Pos.Known() && !prelude.IsPrelude(x.Pos.File) {
			l.pos, l.user = x.Pos, x
		}
		v := l.list(x)
		l.pos, l.user = savedPos, savedUser
		return v
	}
	if at.Known() && !prelude.IsPrelude(at.File) { // an atom stands where its cell says
		saved := l.pos
		l.pos = at
		defer func() { l.pos = saved }()
	}
	if x, ok := form.(*sexp.Symbol); ok {
		return l.symbol(x, at)
	}
	if n, ok := integerOf(form); ok {
		return l.literalOf(form, n)
	}
	switch x := form.(type) {
	case *sexp.String:
		panic(l.failAt(at, form, "a string has no value in a program").
			WithExpected("a number; strings are for printk and compile-time code").WithCode("no-value"))
	case *big.Int:
		panic(l.failAt(at, form, "the number %v does not fit in 64 bits", x).WithCode("literal-too-wide"))
	case float64, *big.Rat:
		panic(l.failAt(at, form, "%s is not an integer: the kernel has no other numbers", sexp.Print(form)).WithCode("not-integer"))
	}
	panic(l.failAt(at, form, "%s has no value in a program", sexp.Print(form)).WithCode("no-value"))
}

func (l *lowerer) failAt(at source.Pos, culprit sexp.Value, format string, args ...any) *source.Error {
	e := l.fail(culprit, format, args...)
	if at.Known() && !prelude.IsPrelude(at.File) {
		e.Pos = at
	}
	return e
}

// integerOf gives the 64 bits of integers and characters that fit.
func integerOf(v sexp.Value) (int64, bool) {
	switch x := v.(type) {
	case int64:
		return x, true
	case sexp.Char:
		return int64(x), true
	case *big.Int:
		if x.Sign() > 0 && x.BitLen() <= 64 {
			return int64(x.Uint64()), true
		}
	}
	return 0, false
}

func (l *lowerer) literal(n int64) val { return val{l.constant(n, l.pos), types.Lit} }

// literalOf keeps apart numbers of 2^63 and more from negative ones.
func (l *lowerer) literalOf(form sexp.Value, n int64) val {
	v := l.literal(n)
	if _, big := form.(*big.Int); big {
		v.t = types.ULit
	}
	return v
}

func (l *lowerer) symbol(s *sexp.Symbol, at source.Pos) val {
	if s == sexp.Nil || s.Name == "NULL" && l.lookup(s) == nil {
		return l.literal(0)
	}
	if s == sexp.T {
		return l.literal(1)
	}
	if s.Keyword {
		panic(l.failAt(at, s, "the keyword `%s` has no value in a program", s.Display()).WithCode("no-value"))
	}
	if v := l.lookup(s); v != nil {
		return l.readVar(v)
	}
	if exp, ok := l.c.in.SymbolMacro(s, l.env()); ok {
		l.enterMacro(s.Display(), at)
		v := l.expr(exp, source.Pos{})
		l.leaveMacro()
		return v
	}
	if g := l.c.globals[s.Name]; g != nil {
		return l.readGlobal(g)
	}
	if k := l.c.ksyms[s.Name]; k != nil {
		return l.readKsym(k)
	}
	if v, ok := l.c.in.Global(s); ok {
		switch v {
		case sexp.Nil:
			return l.literal(0)
		case sexp.T:
			return l.literal(1)
		}
		if n, ok := integerOf(v); ok {
			return l.literalOf(v, n)
		}
		if _, isBig := v.(*big.Int); isBig {
			panic(l.failAt(at, s, "the value of `%s` does not fit in 64 bits: %s", s.Display(), sexp.Print(v)).WithCode("literal-too-wide"))
		}
		panic(l.failAt(at, s, "`%s` is %s, which is not an integer", s.Display(), shorten(sexp.Print(v))).
			WithExpected("an integer, a character, t or nil").WithCode("not-integer"))
	}
	if n, ok := kernelConstant(s.Name); ok {
		return l.literal(n)
	}
	if v, ok := l.sizeConstant(s); ok {
		return v
	}
	e := l.failAt(at, s, "unknown variable `%s`", s.Display()).WithExpected("a variable, a constant or a kernel constant").WithCode("unknown-variable")
	if l.c.maps[s.Name] != nil {
		e.WithExpected("a value").WithHint("`%s` is a map: use (getmap %s key)", s.Display(), s.Display())
	} else if m := didYouMean(s.Name, l.namesInScope()); m != "" {
		e.DidYouMean(m)
	} else if family, _, ok := strings.Cut(s.Name, "_"); ok { // XDP_PAS
		if m := didYouMean(s.Name, abi.ConstantsWithPrefix(family+"_")); m != "" {
			e.DidYouMean(strings.ToUpper(m))
		}
	}
	panic(e)
}

// kernelConstant finds the constants that every source knows.
func kernelConstant(name string) (int64, bool) {
	if n, ok := abi.ConstantFold(name); ok {
		return n, true
	}
	return headerConstant(name)
}

func shorten(s string) string {
	if len(s) > 60 {
		return s[:57] + "..."
	}
	return s
}

func (l *lowerer) namesInScope() (names []string) {
	for s := l.scope; s != nil; s = s.up {
		if s.v != nil {
			names = append(names, s.name.Name)
		}
	}
	for n := range l.c.globals {
		names = append(names, n)
	}
	for n := range l.c.ksyms {
		names = append(names, n)
	}
	return names
}

func (l *lowerer) readVar(v *variable) val {
	v.used = true
	return val{l.value(v), v.typ}
}

func (l *lowerer) slotAddr(slot int) *ir.Value {
	a := l.add(ir.OpStackAddr, l.pos)
	a.Slot, a.Type = slot, ir.PtrStack
	return a
}

func (l *lowerer) enterMacro(name string, at source.Pos) {
	l.frames = append(l.frames, source.Frame{Name: name, Pos: at.Or(l.pos)})
	if len(l.frames) > 500 {
		panic(l.fail(nil, "macros expand into macros more than 500 deep").WithHint("is `%s` expanding into itself?", name).WithCode("endless-macro"))
	}
}

func (l *lowerer) leaveMacro() { l.frames = l.frames[:len(l.frames)-1] }

// list lowers a compound form: a macro's, a core form's, an accessor's or a
// helper's.
func (l *lowerer) list(form *sexp.Cons) val {
	head, ok := form.Car.(*sexp.Symbol)
	if !ok {
		panic(l.fail(form.Car, "a form must begin with a name, not with %s", shorten(sexp.Print(form.Car))).WithCode("not-a-form"))
	}
	args, proper := l.c.table.Slice(form.Cdr)
	if !proper {
		panic(l.fail(form, "this form is a dotted list").WithCode("not-a-form"))
	}
	env := l.env()
	if f := l.localFunction(head); f != nil {
		return l.callLocal(l.call(form, head, args), f)
	}
	if _, isMacro := l.c.in.Macro(head, env); isMacro {
		return l.expand(form, head.Display(), form, false)
	}
	if f := formNamed(head.Name); f != nil && (l.internal > 0 || !strings.HasPrefix(head.Name, "%")) {
		if len(args) < f.min || f.max >= 0 && len(args) > f.max {
			panic(l.arity(head.Display(), f.params, len(args)))
		}
		return f.lower(l, l.call(form, head, args))
	}
	if body := l.c.table.Find(bodyPrefix + head.Name); body != nil && (l.internal > 0 || !strings.HasPrefix(head.Name, "%")) {
		renamed := l.c.table.Cons()
		*renamed = sexp.Cons{Car: body, Cdr: form.Cdr, Pos: form.Pos, At: form.At}
		return l.expand(renamed, head.Display(), form, true)
	}
	cl := l.call(form, head, args)
	if s := l.c.subs[head.Name]; s != nil {
		return l.callSub(cl, s)
	}
	if a, ok := l.c.access[head.Name]; ok {
		return a.lower(l, cl)
	}
	if a, ok := l.c.trace[head.Name]; ok {
		return a.lower(l, cl)
	}
	if a, ok := l.c.kernelAccessor(head.Name); ok {
		return a.lower(l, cl)
	}
	if h, ok := l.c.headerNamed(head.Name); ok {
		return h.lower(l, cl)
	}
	if h := abi.HelperByName(head.Name); h != nil {
		return l.helper(cl, h)
	}
	if k := l.c.findKfunc(l, head.Name); k != nil {
		return l.callKfunc(cl, k)
	}
	e := l.failAt(form.At, head, "unknown form `%s`", head.Display()).WithExpected("a form, macro, accessor or helper").WithCode("unknown-form")
	if _, isFun := l.c.in.GlobalFunction(head); isFun {
		e = l.failAt(form.At, head, "`%s` is a compile-time function: programs in the kernel cannot call it", head.Display()).
			WithHint("make it a subprogram with defsubprog, or a macro with defmacro").WithCode("compile-time-function")
	} else if m := didYouMean(head.Name, l.c.operators()); m != "" {
		e.DidYouMean(m)
	}
	panic(e)
}

func (l *lowerer) arity(name, params string, n int) *source.Error {
	return l.fail(nil, "`%s` got %d argument%s", name, n, plural(n)).WithExpected("%s", strings.TrimSpace("("+name+" "+params)+")").WithCode("argument-count")
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// expand lowers the expansion of a macro form. orig is the form as written.
func (l *lowerer) expand(form *sexp.Cons, name string, orig *sexp.Cons, internal bool) val {
	l.c.prog, l.c.body = l.prog, l
	exp, _, err := l.c.in.Expand1(form, l.env())
	l.c.body = nil
	for _, w := range l.c.warnings {
		place(w, l.user, l.pos)
		l.c.unit.Warnings = append(l.c.unit.Warnings, w)
	}
	l.c.warnings = nil
	if err != nil {
		for _, e := range source.AsList(err) {
			if internal {
				place(e, l.user, l.pos)
				e.What = strings.ReplaceAll(e.What, strings.ToLower(bodyPrefix), "")
				e.Expected = strings.ReplaceAll(e.Expected, strings.ToLower(bodyPrefix), "")
			} else {
				e.Pos = e.Pos.Or(l.pos)
			}
			for i := len(l.frames) - 1; i >= 0; i-- {
				e.Expansion = append(e.Expansion, l.frames[i])
			}
			panic(e)
		}
	}
	if !internal {
		l.enterMacro(name, orig.Pos)
		defer l.leaveMacro()
		// A user's macro sees only what users may use.
		saved := l.internal
		l.internal = 0
		defer func() { l.internal = saved }()
	} else {
		l.internal++
		defer func() { l.internal-- }()
		if l.internal > 500 {
			panic(l.fail(nil, "`%s` expands into itself", name).WithCode("endless-macro"))
		}
	}
	return l.expr(exp, source.Pos{})
}

// body lowers forms in order and gives the value of the last.
func (l *lowerer) body(forms sexp.Value) val {
	v := val{nil, types.Lit}
	live := l.live()
	for c, ok := forms.(*sexp.Cons); ok; c, ok = c.Cdr.(*sexp.Cons) {
		if live && !l.live() {
			l.warnUnreachable(c.Car)
			live = false
		}
		if !l.reachable() && v.v != nil {
			// Code behind a return is checked, but never runs.
			v = l.guard(func() val { return l.expr(c.Car, c.At) })
			v.t = types.Nowhere
			continue
		}
		v = l.guard(func() val { return l.expr(c.Car, c.At) })
	}
	if v.v == nil {
		return l.literal(0)
	}
	return v
}

// A call is a form being lowered by a row of the table.
type call struct {
	l    *lowerer
	form *sexp.Cons
	head *sexp.Symbol
	args []sexp.Value
}

// call makes one.
func (l *lowerer) call(form *sexp.Cons, head *sexp.Symbol, args []sexp.Value) *call {
	c := l.c.memory.calls.New(&callPool)
	*c = call{l, form, head, args}
	return c
}

// at is the place of argument i.
func (c *call) at(i int) source.Pos {
	x := c.form
	for ; i >= 0; i-- {
		next, ok := x.Cdr.(*sexp.Cons)
		if !ok {
			return source.Pos{}
		}
		x = next
	}
	return x.At
}

// arg lowers argument i.
func (c *call) arg(i int) val { return c.l.expr(c.args[i], c.at(i)) }

// int lowers argument i, which must be a number.
func (c *call) int(i int) val {
	v := c.arg(i)
	c.l.wantInt(v, c.args[i], c.at(i), c.head.Display())
	return v
}

func (l *lowerer) wantInt(v val, form sexp.Value, at source.Pos, who string) {
	if v.t.IsPtr() {
		panic(l.failAt(at, form, "`%s` wants a number, and this is a %v", who, v.t).WithHint("(cast u64 p) makes a number of a pointer").WithCode("pointer-arithmetic"))
	}
}

// constant evaluates argument i at compile time.
func (c *call) constant(i int) int64 {
	if v := c.arg(i); v.t.Kind == types.Literal {
		if n, ok := v.v.IsConst(); ok {
			return n
		}
	}
	panic(c.l.failAt(c.at(i), c.args[i], "argument %d of `%s` must be a constant", i+1, c.head.Display()).WithExpected("a number that is known when the program is compiled").WithCode("not-constant"))
}

// rest is the tail of the form from argument i on.
func (c *call) rest(i int) sexp.Value {
	var x sexp.Value = c.form.Cdr
	for ; i > 0; i-- {
		x = x.(*sexp.Cons).Cdr
	}
	return x
}

// mapArg is the map that argument i names: a declared one, or a variable
// that holds a map found in another.
func (c *call) mapArg(i int) *Map {
	s, ok := c.args[i].(*sexp.Symbol)
	if ok {
		if m := c.l.innerMap(s); m != nil {
			return m
		}
	} else {
		panic(c.l.failAt(c.at(i), c.args[i], "argument %d of `%s` must be the name of a map", i+1, c.head.Display()).
			WithExpected("a map declared with defmap").WithCode("unknown-map"))
	}
	m := c.l.c.maps[s.Name]
	if m == nil {
		panic(c.l.c.unknownMap(c.l.failAt(c.at(i), s, "unknown map `%s`", s.Display()), s))
	}
	m.used = true
	c.l.objectProgram(c, i, m)
	return m
}

func (c *compiler) unknownMap(e *source.Error, s *sexp.Symbol) *source.Error {
	e.WithExpected("a map declared with defmap").WithCode("unknown-map")
	var names []string
	for n := range c.maps {
		names = append(names, n)
	}
	if m := didYouMean(s.Name, names); m != "" {
		e.DidYouMean(m).WithHint("did you mean `%s`? (declared at %v)", m, c.maps[strings.ToUpper(m)].Pos)
	}
	return e
}

// operators lists all that may stand at the head of a form.
func (c *compiler) operators() (names []string) {
	for _, f := range forms {
		if !strings.HasPrefix(f.name, "%") {
			names = append(names, f.name)
		}
	}
	for n := range preludeBase().defs {
		if !strings.HasPrefix(n, "%") {
			names = append(names, n)
		}
	}
	for n := range c.access {
		names = append(names, n)
	}
	for n := range c.trace {
		names = append(names, n)
	}
	for n := range c.kaccess {
		names = append(names, n)
	}
	for n := range c.subs {
		names = append(names, n)
	}
	for n := range c.fields {
		names = append(names, n)
	}
	names = append(names, headerAccessors()...)
	for _, h := range abi.Helpers() {
		names = append(names, h.Name)
	}
	for _, k := range abi.KfuncNames() {
		names = append(names, strings.ReplaceAll(k, "_", "-"))
	}
	return names
}

// truncate makes x fit a place of type t, as storing and reading back would.
func (l *lowerer) truncate(x val, t *types.Type) *ir.Value {
	if t.Kind != types.Int || t.Size == 8 {
		return x.v
	}
	op := ir.OpZext
	if t.Signed {
		op = ir.OpSext
	}
	if n, ok := x.v.IsConst(); ok {
		return l.constant(int64(op.Eval(uint8(t.Size), uint64(n), 0)), l.pos)
	}
	v := l.add(op, l.pos, x.v)
	v.Size = uint8(t.Size)
	return v
}

func bug(format string, args ...any) *source.Error {
	e := source.Errorf(source.Pos{}, format, args...)
	e.Severity = source.SevBug
	return e
}
