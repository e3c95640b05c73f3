package lang

import (
	"encoding/binary"
	"math/big"
	"sort"
	"strconv"
	"strings"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Global is a defglobal: a variable that programs share and user space
// sees by name, or text that a program refers to.
type Global struct {
	Name   string // as written
	C      string
	Type   *types.Type
	Init   []byte // nil: zero
	Const  bool   // programs only read it
	Hidden bool   // not in skeletons and bindings
	Static bool   // the compiler's own, known in this object only
	Doc    string
	Pos    source.Pos
	folded *int64 // its value, given when compiling
}

// Section is where the variable stands in the object.
func (g *Global) Section() string {
	switch {
	case g.Const:
		return ".rodata"
	case g.Init == nil:
		return ".bss"
	}
	return ".data"
}

const globalParams = "name type [initial-value] [:const t] [:hidden t]"

func declareGlobal(c *compiler, d *decl) sexp.Value {
	sym := d.name("global variable")
	g := &Global{Name: sym.Display(), Pos: d.at(0)}
	if len(d.args) < 2 {
		panic(d.fail(nil, "the global variable `%s` has no type", g.Name).WithExpected("(defglobal %s)", globalParams).WithCode("bad-global"))
	}
	cell := d.form.Cdr.(*sexp.Cons).Cdr.(*sexp.Cons)
	g.Type = d.typeOf(cell.Car, cell.At.Or(d.pos))
	if o := g.Type.HasObject(); o != nil {
		panic(d.c.misplaced(o, cell.Car, cell.At.Or(d.pos)).WithHint("keep it in a map of type :array with one entry"))
	}
	if g.Type.IsPtr() {
		panic(source.Errorf(cell.At.Or(d.pos), "a global variable cannot hold a pointer").WithExpected("a scalar, a struct or an array").
			WithHint("the kernel forgets what a pointer in a map points to").WithCode("bad-global"))
	}
	rest := cell.Cdr
	var init *sexp.Cons
	if x, ok := rest.(*sexp.Cons); ok {
		if k, isSym := x.Car.(*sexp.Symbol); !isSym || !k.Keyword {
			init, rest = x, x.Cdr
		}
	}
	if x, ok := rest.(*sexp.Cons); ok {
		if doc, isStr := x.Car.(*sexp.String); isStr {
			g.Doc, rest = doc.String(), x.Cdr
		}
	}
	opts := d.options(rest, ":const :hidden")
	yes := func(name string) bool { o, ok := opts[name]; return ok && o.value != sexp.Value(sexp.Nil) }
	g.Const, g.Hidden = yes("CONST"), yes("HIDDEN")
	if init != nil {
		at := init.At.Or(d.pos)
		v, err := c.in.Eval(init.Car, d.env)
		if err != nil {
			if s, ok := init.Car.(*sexp.Symbol); ok {
				if n, known := kernelConstant(s.Name); known {
					v, err = n, nil
				}
			}
		}
		if err != nil {
			for _, e := range source.AsList(err) {
				e.Pos = e.Pos.Or(at)
				panic(e)
			}
		}
		g.Init = make([]byte, g.Type.Size)
		initialise(g.Init, g.Type, v, at)
		zero := true
		for _, b := range g.Init {
			zero = zero && b == 0
		}
		if zero && !g.Const {
			g.Init = nil
		}
	}
	if g.Const && g.Init == nil {
		g.Init = make([]byte, g.Type.Size)
	}
	g.C = c.objectName("global variable", sym, g.Pos)
	if text, ok := c.define(g, sym); ok {
		g.set(text)
	}
	c.globals[sym.Name] = g
	c.unit.Globals = append(c.unit.Globals, g)
	return sym
}

// define finds what Options.Define says of g, under either of its names.
func (c *compiler) define(g *Global, sym *sexp.Symbol) (string, bool) {
	for name, text := range c.opt.Define {
		if strings.EqualFold(name, g.Name) || name == g.C {
			c.defined[name] = true
			return text, true
		}
	}
	return "", false
}

// set gives g the value that the user named when compiling. A constant one
// is folded and leaves the object.
func (g *Global) set(text string) {
	v, err := defineValue(text)
	if err != nil {
		panic(source.Errorf(g.Pos, "-D %s=%s: %v", g.Name, text, err).WithExpected("an integer, or text for an array of bytes").WithCode("bad-define"))
	}
	init := make([]byte, g.Type.Size)
	initialise(init, g.Type, v, g.Pos)
	g.Init = init
	if n, ok := integerOf(v); ok && g.Const && g.Type.Kind == types.Int {
		if g.Type.Signed {
			n = int64(ir.OpSext.Eval(uint8(g.Type.Size), uint64(n), 0))
		}
		g.folded = &n
	}
}

// defineValue reads the value of -D name=value: an integer as in a source,
// or anything else as text.
func defineValue(text string) (sexp.Value, error) {
	forms, errs := sexp.ReadAll(source.NewFile("-D", text), sexp.NewTable(nil), sexp.Features{})
	if len(errs) == 0 && len(forms) == 1 {
		if _, ok := integerOf(forms[0].V); ok {
			return forms[0].V, nil
		}
		if s, ok := forms[0].V.(*sexp.String); ok {
			return s, nil
		}
	}
	return sexp.NewString(text), nil
}

// initialise writes v into b as a value of type t: an integer, a list or
// vector for an array or struct, a string for bytes.
func initialise(b []byte, t *types.Type, v sexp.Value, at source.Pos) {
	bad := func(expected string) {
		panic(source.Errorf(at, "%s is no initial value for `%v`", shorten(sexp.Print(v)), t).WithExpected("%s", expected).WithCode("initial-value"))
	}
	if v == sexp.Value(sexp.Nil) {
		return
	}
	switch t.Kind {
	case types.Int:
		if v == sexp.Value(sexp.T) {
			v = int64(1)
		}
		n, ok := integerOf(v)
		if !ok {
			bad("an integer")
		}
		_, unsigned := v.(*big.Int)
		if u := uint64(n); t.Size < 8 && u>>(8*t.Size) != 0 && (n >= 0 || unsigned || n < -(1<<(8*t.Size-1))) {
			panic(source.Errorf(at, "%s does not fit into %v", sexp.Print(v), t).WithCode("literal-too-wide"))
		}
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], uint64(n))
		copy(b, w[:t.Size])
	case types.Array:
		if s, ok := v.(*sexp.String); ok && t.Elem.Size == 1 {
			if text := s.String(); len(text) > t.Len {
				panic(source.Errorf(at, "the text has %d bytes, and `%v` holds %d", len(text), t, t.Len).WithCode("initial-value"))
			}
			copy(b, s.String())
			return
		}
		items, ok := itemsOf(v)
		if !ok {
			bad("a list or vector of at most that many elements, or text for bytes")
		}
		if len(items) > t.Len {
			panic(source.Errorf(at, "%d elements do not fit into `%v`", len(items), t).WithCode("initial-value"))
		}
		for i, x := range items {
			initialise(b[i*t.Elem.Size:(i+1)*t.Elem.Size], t.Elem, x, at)
		}
	case types.StructKind:
		items, ok := itemsOf(v)
		if !ok || len(items) > len(t.Struct.Fields) {
			bad("a list of the values of its fields")
		}
		for i, x := range items {
			f := t.Struct.Fields[i]
			initialise(b[f.Offset:f.Offset+f.Type.Size], f.Type, x, at)
		}
	}
}

func itemsOf(v sexp.Value) ([]sexp.Value, bool) {
	if x, ok := v.(*sexp.Vector); ok {
		return x.Items, true
	}
	return sexp.Slice(v)
}

// globalAddr is the address of g.
func (l *lowerer) globalAddr(g *Global) val {
	v := l.add(ir.OpMapAddr, l.pos)
	v.Sym, v.Type = g.C, ir.PtrValue
	t := types.PtrTo(g.Type, types.PtrValue)
	return val{v, t}
}

// readGlobal is g's value, or its address where it is an array or a struct.
func (l *lowerer) readGlobal(g *Global) val {
	switch {
	case g.folded != nil:
		v := l.literal(*g.folded)
		v.t = g.Type
		return v
	case g.Type.Kind != types.Int:
		return l.globalAddr(g)
	}
	return l.loadAt(l.globalAddr(g), 0, g.Type)
}

// setGlobal is (setf name value); value is argument i+1 of c.
func (l *lowerer) setGlobal(g *Global, c *call, i int) val {
	if g.Const {
		panic(l.failAt(c.at(i), c.args[i], "the global variable `%s` is constant", g.Name).WithHint("leave :const out of its declaration, or set it with -D when it is loaded").WithNote(g.Pos, "it is declared here").WithCode("not-a-place"))
	}
	v := c.arg(i + 1)
	if g.Type.Kind != types.Int {
		if !v.t.IsPtr() {
			panic(l.failAt(c.at(i+1), c.args[i+1], "`%s` is %v: it is set from a pointer to one", g.Name, g.Type).WithExpected("a pointer").WithCode("not-a-pointer"))
		}
		l.copyBytes(l.globalAddr(g), 0, v, 0, g.Type.Size)
		return v
	}
	if v.t.IsPtr() {
		panic(l.failAt(c.at(i+1), c.args[i+1], "the global variable `%s` cannot hold a %v", g.Name, v.t).WithHint("the kernel forgets what a pointer in a map points to").WithCode("type-change"))
	}
	l.fits(c, i+1, v, g.Type)
	l.storeAt(l.globalAddr(g), 0, g.Type.Size, v.v)
	return val{l.truncate(v, g.Type), g.Type}
}

// lowerGlobalAddr is (global-addr name).
func lowerGlobalAddr(l *lowerer, c *call) val {
	s, ok := c.args[0].(*sexp.Symbol)
	if !ok || l.c.globals[s.Name] == nil {
		var names []string
		for n := range l.c.globals {
			names = append(names, n)
		}
		e := l.failAt(c.at(0), c.args[0], "unknown global variable `%s`", shorten(sexp.Print(c.args[0]))).WithExpected("a variable declared with defglobal").WithCode("unknown-variable")
		if ok {
			if m := didYouMean(s.Name, names); m != "" {
				e.DidYouMean(m)
			}
		}
		panic(e)
	}
	g := l.c.globals[s.Name]
	if g.folded != nil {
		panic(l.failAt(c.at(0), c.args[0], "`%s` has no address: its value was given when compiling", g.Name).WithCode("not-a-place"))
	}
	return l.globalAddr(g)
}

// text is the address of constant bytes in the object; equal ones are shared.
func (l *lowerer) text(b []byte) val {
	n := 1
	for _, g := range l.c.unit.Globals {
		if g.Static {
			if string(g.Init) == string(b) {
				return l.globalAddr(g)
			}
			n++
		}
	}
	name := "whistler_text_" + strconv.Itoa(n)
	g := &Global{Name: name, C: name, Type: types.ArrayOf(types.U8, len(b)), Init: b, Const: true, Hidden: true, Static: true, Pos: l.pos}
	l.c.unit.Globals = append(l.c.unit.Globals, g)
	return l.globalAddr(g)
}

// checkDefines reports definitions that name nothing.
func (c *compiler) checkDefines() {
	var unknown []string
	for name := range c.opt.Define {
		if !c.defined[name] {
			unknown = append(unknown, name)
		}
	}
	sort.Strings(unknown)
	for _, name := range unknown {
		e := source.Errorf(source.Pos{}, "-D %s: there is no global variable of that name", name).WithExpected("a variable declared with defglobal").WithCode("bad-define")
		var names []string
		for _, g := range c.globals {
			names = append(names, g.Name)
		}
		if m := didYouMean(name, names); m != "" {
			e.DidYouMean(m)
		}
		c.errs = append(c.errs, e)
	}
}

// keepGlobals parts the variables from those whose values were folded.
func keepGlobals(all []*Global) (kept, folded []*Global) {
	for _, g := range all {
		if g.folded == nil {
			kept = append(kept, g)
		} else {
			folded = append(folded, g)
		}
	}
	return kept, folded
}

// Integer is the value that a constant variable of an integer type begins
// with: user space may give others before it loads the object.
func (g *Global) Integer() (int64, bool) {
	if !g.Const || g.Type.Kind != types.Int {
		return 0, false
	}
	var w [8]byte
	copy(w[:], g.Init)
	n := binary.LittleEndian.Uint64(w[:])
	if g.Type.Signed {
		n = ir.OpSext.Eval(uint8(g.Type.Size), n, 0)
	}
	return int64(n), true
}
