// Package lang turns data into functions of the IR: it evaluates top-level
// forms, expands macros, checks types and lowers program bodies.
package lang

import (
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/prelude"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Kernel answers what a source asks of a kernel: the formats of its
// tracepoints, and its types. Nil means that there is nothing to ask.
type Kernel interface {
	// Tracepoint gives the fields of an event.
	Tracepoint(category, event string) ([]TraceField, error)
	// BTF gives the kernel's types, as /sys/kernel/btf/vmlinux has them.
	BTF() ([]byte, error)
}

// A TraceField is a field of a tracepoint's format: bytes, from the start
// of the record.
type TraceField struct {
	Name         string
	Offset, Size int
	Signed       bool
	Count        int  // elements of an array, 0 for a plain field
	DataLoc      bool // __data_loc: offset and length of a string elsewhere in the record
	Relative     bool // __rel_loc: the same, and the offset counts from the end of the field
}

// Options say what Lower may use.
type Options struct {
	CPU                int         // BPF cpu version, for (cpu-version)
	Target             abi.Version // the oldest kernel that must run the object; zero: not said
	Arch               string
	Include            func(name string) (*source.File, error) // reads a file for (include ...); nil: there are none
	Kernel             Kernel
	Define             map[string]string          // values of global variables, by name
	Fragment           bool                       // a part of a source: without programs, or with maps that nothing uses
	MaxSteps, MaxCells int64                      // limits of compile-time code, 0 for the defaults
	Pid                int                        // programs of tracing types run for this process only, 0 for all
	observe            func(c *compiler, d *decl) // sees every declaration, for Expand
	alone              bool                       // without the image of the prelude, for tests
}

// A Unit is what a source declares.
type Unit struct {
	Maps     []*Map
	Structs  []*types.Struct
	Enums    []*types.Enum
	Globals  []*Global
	Folded   []*Global // constant ones whose values Options.Define gave: they are not in the object
	Programs []*Program
	Ops      []*StructOps
	Subs     []*Sub               // defsubprogs and callbacks, those that something reaches
	Kernel   *btf.Types           // the kernel's types, nil if nothing asked for them
	Kfuncs   map[string]*Kfunc    // the kernel functions that are called, by C name
	Ksyms    map[string]*Ksym     // the variables of the kernel that are used, by C name
	Cores    map[string]*btf.Core // CO-RE relocations, by the names that the code has for them
	Tests    []*Test
	Sessions []sexp.Located // the forms that came to a with-bpf-session
	Lisp     *lisp.Interp   // that has evaluated the source: for tests and sessions; nil behind Free
	Warnings source.List
	License  string // the one licence of all programs

	access  map[string]accessor
	kaccess map[string]kernelAccess
	from    *compiler
}

// Free takes the evaluator and the source's data from u, for those that come.
func (u *Unit) Free() {
	for _, e := range u.Warnings {
		e.Culprit = nil
	}
	u.Lisp.Free()
	u.from.free()
	u.Tests, u.Sessions, u.Lisp, u.access, u.kaccess, u.from = nil, nil, nil, nil, nil, nil
}

// A Map is a defmap.
type Map struct {
	Name       string // as written
	C          string // in objects
	Type       *abi.MapType
	Key, Value *types.Type // nil where the type has none
	KeySize    int
	ValueSize  int
	MaxEntries int64
	Flags      uint32
	Extra      uint64
	PinByName  bool
	Inner      *Map
	Events     []*types.Struct
	Values     []string // object names of the programs or maps in its slots, "" for empty ones
	Show       string
	Doc        string
	Pos        source.Pos

	used     bool
	slots    []slot    // Values as written
	declared bool      // :event is given: Events is not inferred
	at       *variable // of a map found in another: the pointer to it
	root     *Map      // and the template it is like
}

// A Program is a defprog, lowered.
type Program struct {
	Name      string // as written
	C         string
	Type      *abi.ProgType
	Section   string
	License   string
	Sleepable bool
	CPU       int
	Doc       string
	Pos       source.Pos
	Func      *ir.Func
	Replaces  *Sub // the function of another program that this one replaces, whose type is Type; nil for others

	sectionPos source.Pos
	member     *opsMember // of a struct of operations, that it is
	signature  *signature // what it is given, once somebody asks
}

// A context is one compilation.
type compiler struct {
	opt       Options
	table     *sexp.Table
	in        *lisp.Interp
	host      lisp.Options // what the evaluator of any compilation is given
	unit      *Unit
	memory    memory
	errs      source.List
	noTypes   *source.Error   // where the kernel's types were asked for first
	maps      map[string]*Map // by symbol name
	structs   map[string]*types.Struct
	aliases   map[string]alias      // defenum, by symbol name
	constants map[string]source.Pos // of defenum, by symbol name
	mixed     map[source.Pos]bool   // where mixed signs have been warned of
	progs     map[string]source.Pos
	subs      map[string]*Sub
	globals   map[string]*Global
	declared  map[*sexp.Cons]bool // sessions whose declarations are made
	reached   bool                // a session was come to by the form that is evaluated
	defined   map[string]bool     // of Options.Define, those that name a variable
	access    map[string]accessor // struct accessors by symbol name
	trace     map[string]traceAccess
	imports   map[string]*kernelImport // import-kernel-struct, by symbol name
	kaccess   map[string]kernelAccess  // their accessors by symbol name
	kfuncs    map[string]*Kfunc        // by symbol name
	ksyms     map[string]*Ksym         // by symbol name
	absents   map[string]*types.Struct // structs that no kernel here has, by C name
	headers   map[string]source.Pos    // defheader, by symbol name
	fields    map[string]headerField   // their accessors by symbol name
	names     map[string]named         // object names taken
	badOps    bool                     // a defstruct-ops is wrong
	pending   []*pendingProg           // programs whose bodies are lowered last
	reading   []string                 // files being included
	prog      *Program                 // the program whose body is being lowered
	body      *lowerer                 // and its lowerer, while a macro in it is expanded
	warnings  []*source.Error          // of the macro being expanded
}

// named remembers who has a name in the object.
type named struct {
	what, name string
	pos        source.Pos
}

// Lower reads and lowers the files in order.
func Lower(files []*source.File, opt Options) (*Unit, source.List) {
	base := preludeBase()
	c := newCompiler(base, opt)
	o := c.host
	o.Warn = func(e *source.Error) {
		e.Severity = source.SevWarning
		c.unit.Warnings = append(c.unit.Warnings, e)
	}
	o.MaxSteps, o.MaxCells = opt.MaxSteps, opt.MaxCells
	if lowered.Swap(true) && !opt.alone {
		o.Image = preludeImage()
	}
	c.in = lisp.New(o)
	for _, f := range files {
		c.readFile(f)
	}
	c.lowerPrograms()
	c.lowerSubs()
	if len(c.errs.Errors()) == 0 {
		c.unit.Globals, c.unit.Folded = keepGlobals(c.unit.Globals)
		c.checkDefines()
		c.passContext()
		c.checkCalls()
	}
	if !opt.Fragment && len(c.unit.Programs) == 0 && len(c.errs.Errors()) == 0 && len(c.unit.Maps)+len(c.unit.Structs) == 0 {
		e := source.Errorf(source.Pos{}, "there is no program in the source").WithExpected("at least one (defprog name (:type ...) body...)").WithCode("no-program")
		if len(files) > 0 {
			e.Pos = source.Pos{File: files[0]}
		}
		if len(c.unit.Tests) > 0 {
			e.WithHint("`whistler test` runs the tests of X-test.lisp together with X.lisp")
		}
		c.errs = append(c.errs, e)
	}
	c.checkLicenses()
	if !opt.Fragment && len(files) > 0 && len(c.errs.Errors()) == 0 {
		c.warnDeclarations(files[0])
	}
	c.checkTypes()
	c.errs = onceNoBTF(c.errs)
	if len(c.errs.Errors()) > 0 {
		return nil, append(c.errs, c.unit.Warnings...).Sorted()
	}
	c.unit.Warnings = append(c.errs, c.unit.Warnings...).Sorted()
	c.unit.Lisp, c.unit.access, c.unit.kaccess, c.unit.from = c.in, c.access, c.kaccess, c
	return c.unit, nil
}

var compilers sync.Pool // what free has given back

// newCompiler gives one for a new compilation. Only what the evaluator is given is
// of an earlier one: its functions know c.
func newCompiler(base *base, opt Options) *compiler {
	c, _ := compilers.Get().(*compiler)
	if c == nil {
		c = new(compiler)
	}
	*c = compiler{host: c.host, opt: opt, unit: &Unit{}, table: sexp.NewTable(base.table), maps: map[string]*Map{}, structs: map[string]*types.Struct{},
		aliases: map[string]alias{}, constants: map[string]source.Pos{}, mixed: map[source.Pos]bool{}, progs: map[string]source.Pos{}, subs: map[string]*Sub{},
		globals: map[string]*Global{}, defined: map[string]bool{}, declared: map[*sexp.Cons]bool{}, access: map[string]accessor{}, trace: map[string]traceAccess{},
		imports: map[string]*kernelImport{}, kfuncs: map[string]*Kfunc{}, ksyms: map[string]*Ksym{}, kaccess: map[string]kernelAccess{}, headers: map[string]source.Pos{},
		fields: map[string]headerField{}, names: map[string]named{}}
	if c.host.Builtins == nil {
		c.host = c.lisp(base)
	}
	c.host.Table = c.table
	return c
}

// free gives c to the compilations that come: nobody may use it any more.
func (c *compiler) free() {
	c.memory.free()
	c.host.Table = nil
	*c = compiler{host: c.host}
	compilers.Put(c)
}

// lisp is what the compile-time Lisp is given in any compilation.
func (c *compiler) lisp(base *base) lisp.Options {
	read := func(name *sexp.Symbol) *sexp.Cons { return base.read(name.Name, c.table) }
	return lisp.Options{Table: c.table, Library: &lisp.Library{Names: base.names, Read: read},
		Builtins: c.builtins(), Specials: c.specials(), Constant: kernelConstant}
}

// lowered is whether this process has compiled already. A command compiles
// once, and an image is of no use to it.
var lowered atomic.Bool

// preludeImage has the prelude compiled for all compilations but the first.
var preludeImage = sync.OnceValue(func() *lisp.Image {
	base := preludeBase()
	c := &compiler{table: sexp.NewTable(base.table)}
	return lisp.NewImage(c.lisp(base))
})

// onceNoBTF says only once that the kernel's types are not there, and nothing
// about the accessors that are missing for that reason.
func onceNoBTF(errs source.List) (out source.List) {
	said := false
	for _, e := range errs {
		if said && (e.Code == "no-btf" || e.Code == "unknown-form") {
			continue
		}
		said = said || e.Code == "no-btf"
		out = append(out, e)
	}
	return out
}

func (c *compiler) readFile(f *source.File) {
	features := sexp.Features{"WHISTLER": true, "LINUX": true, strings.ToUpper(c.opt.Arch): true}
	forms, errs := sexp.ReadAll(f, c.table, features)
	c.errs = append(c.errs, errs...)
	for _, form := range forms {
		c.sessions(form.V, 0)
		c.reached = false
		if _, err := c.in.EvalTop(form.V, form.Pos); err != nil {
			c.report(err, form.V, form.Pos)
		}
		if c.reached {
			c.unit.Sessions = append(c.unit.Sessions, form)
		}
		if len(c.errs) > maxErrors {
			return
		}
	}
}

// report keeps an error, placed as well as possible.
func (c *compiler) report(err error, form sexp.Value, pos source.Pos) {
	for _, e := range source.AsList(err) {
		place(e, form, pos)
		c.errs = append(c.errs, e)
	}
}

// place finds where e belongs: an error inside of the prelude, or without a
// place, belongs to the user's form, and there to the datum that is wrong.
func place(e *source.Error, form sexp.Value, pos source.Pos) {
	inPrelude := e.Pos.Known() && prelude.IsPrelude(e.Pos.File)
	if !e.Pos.Known() || inPrelude || e.Pos == sexp.PosOf(form) {
		if inPrelude || !e.Pos.Known() {
			e.Pos = pos
		}
		if e.Culprit != nil {
			if at, ok := locate(form, e.Culprit, 0); ok {
				e.Pos = at
			}
		}
	}
	var frames []source.Frame
	for _, f := range e.Expansion {
		inner := strings.HasPrefix(strings.ToUpper(f.Name), bodyPrefix) // the language's own
		if !inner && (!f.Pos.Known() || !prelude.IsPrelude(f.Pos.File)) {
			frames = append(frames, f)
		}
	}
	e.Expansion = frames
}

// locate finds the place of datum inside of form.
func locate(form, datum sexp.Value, depth int) (source.Pos, bool) {
	if depth > 200 {
		return source.Pos{}, false
	}
	for c, ok := form.(*sexp.Cons); ok; c, ok = c.Cdr.(*sexp.Cons) {
		if same(c.Car, datum) && c.At.Known() {
			return c.At, true
		}
		if p, found := locate(c.Car, datum, depth+1); found {
			return p, true
		}
	}
	return source.Pos{}, false
}

func same(a, b sexp.Value) bool {
	switch a.(type) {
	case *sexp.Symbol, *sexp.Cons, int64, sexp.Char, *sexp.String:
		return a == b
	}
	return false
}

// checkLicenses demands one licence for all programs of an object.
func (c *compiler) checkLicenses() {
	var first *Program
	for _, p := range c.unit.Programs {
		if first == nil {
			first = p
			c.unit.License = p.License
		} else if p.License != first.License {
			c.errs = append(c.errs, source.Errorf(p.Pos, "program `%s` has the licence %q, but `%s` has %q", p.Name, p.License, first.Name, first.License).
				WithExpected("one licence for all programs of an object").WithNote(first.Pos, "`%s` is here", first.Name).WithCode("license-conflict"))
		}
	}
	if first == nil {
		c.unit.License = "GPL"
	}
}

// objectName gives the name in objects and refuses what is taken.
func (c *compiler) objectName(what string, sym *sexp.Symbol, pos source.Pos) string {
	name := abi.ObjectName(sym.Name)
	if old, taken := c.names[name]; taken {
		e := source.Errorf(pos, "the %s `%s` is declared twice", what, sym.Display())
		if old.name != sym.Name || old.what != what {
			e = source.Errorf(pos, "the %s `%s` and the %s `%s` have the same name `%s` in the object", what, sym.Display(), old.what, strings.ToLower(old.name), name)
		}
		panic(e.WithNote(old.pos, "the %s is declared here first", old.what).WithHint("rename one of them").WithCode("duplicate"))
	}
	c.names[name] = named{what, sym.Name, pos}
	return name
}

// base is the prelude, read once.
type base struct {
	table *sexp.Table
	all   []preludeDef
	names map[*sexp.Symbol]bool  // what is defined: whether it is a macro
	defs  map[string]*preludeDef // by name, in upper case
}

type preludeDef struct {
	prelude.Definition
	sym *sexp.Symbol // that the compile-time Lisp has it under
}

// didYouMean finds the nearest of names to name by edit distance.
func didYouMean(name string, names []string) string {
	best, dist := "", 1+max(1, len(name)/3)
	sort.Strings(names)
	for _, n := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(n), dist); d < dist {
			best, dist = n, d
		}
	}
	return strings.ToLower(best)
}

// distance is the Levenshtein distance with transpositions, up to limit.
func distance(a, b string, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
