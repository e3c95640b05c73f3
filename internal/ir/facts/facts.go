// Package facts is the compiler's flow analysis of the IR: what is known of
// each value on each path through a function. It walks the paths as the
// kernel's verifier does, one abstract state at a time, and finds the
// mistakes for which the verifier would refuse the program.
//
// It knows what the verifier of Linux 6.18 knows, no less and no more: what it
// accepts, the verifier does, and the other way. Where it cannot tell what the
// verifier knows (the result of a subprogram, a constant that the loader sets),
// the path becomes doubtful, and nothing is reported on it (see Trust). Where a
// function has too many states it stops; what it has found until then stands.
//
// num.go is the domain of numbers, value.go that of pointers, stack.go that of
// the stack; edge.go is what a branch teaches, bounds.go what an access and an
// argument have to be.
package facts

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Kind is a class of findings.
type Kind uint8

// The kinds. All but the last three are mistakes for which the verifier
// refuses the program; an access beside a variable it refuses where that
// leaves the stack, and it may reach another variable otherwise.
const (
	NullDereference    Kind = iota // access through a pointer that may be null
	NullArithmetic                 // arithmetic on one
	PacketBounds                   // packet access that no comparison covers
	StalePointer                   // packet pointer from before the packet moved
	ReferenceLeak                  // a reference that an exit does not give back
	UseAfterRelease                // a pointer whose reference was given back
	LockHeld                       // a spin lock that an exit does not let go
	LockTwice                      // a second lock while one is held
	LockCall                       // a call while a lock is held
	LockFree                       // unlocking what is not locked
	ObjectAccess                   // load or store of an object of the kernel
	TimerMap                       // a timer made for another map than its own
	DynptrUnset                    // a dynptr that nothing made, or that was given back
	MemoryBounds                   // access beside a map's value, a record, other memory
	PointerOffset                  // a number without bounds added to a pointer
	PointerArithmetic              // arithmetic that pointers of a kind do not have
	Misaligned                     // access of the stack, or atomic one, at an odd place
	MapDirection                   // writing what programs only read, or the other way
	PacketReadOnly                 // writing packet data in programs that only read it
	AtomicPacket                   // an atomic operation on packet data
	PacketArgument                 // packet data for a helper that does not take it
	SizeArgument                   // a size for a helper that may be too small or too large
	ContextArgument                // a changed context pointer for a helper
	ResultRange                    // a result that the program's type does not allow
	TooComplex                     // more paths than the verifier walks
	StackBounds                    // access beside a variable on the stack
	UninitializedStack             // bytes of the stack that nothing writes
	AlwaysTrue                     // a comparison that cannot be false
	AlwaysFalse                    // one that cannot be true
)

// Refused reports whether the verifier refuses programs with k.
func (k Kind) Refused() bool { return k < UninitializedStack }

// A Finding is one mistake. Values are reported once per kind.
type Finding struct {
	Kind Kind
	Pos  source.Pos // of the value that is wrong
	// Origin is the value that the mistake comes from: the lookup that may
	// give null, the helper that moved the packet or released the pointer,
	// the call that acquired.
	Origin source.Pos
	By     string // the helper that Origin calls, "" if it calls none
	To     string // the helper that gets the pointer, "" for loads and stores
	Null   bool   // NullDereference: the pointer is null for sure
	// PacketBounds: bytes from the start of the packet, or from the pointer
	// whose offset is variable, that are proven and that are needed.
	Proven, Needed int64
	Variable       bool
	Far            bool   // its offset may be larger than the verifier follows
	Object         string // ObjectAccess: what it touches
	Space          ir.Type
	Write          bool
	// TooComplex: how often a path comes by (Needed), and that the mistake is
	// that it makes two of one each time (Variable), or that a callback is walked so often.
	Callback bool
	// MemoryBounds, StackBounds: the first and the last offset, of Needed
	// bytes in Proven. PointerOffset, SizeArgument, ResultRange: the number.
	Least, Most int64
	Way         []Branch // that leads there
	value       int
}

// A Branch is one that a path takes: the comparison at Pos holds, or not.
type Branch struct {
	Pos   source.Pos
	Holds bool
}

// A Map is what the analysis wants to know of a map.
type Map struct {
	Name               string
	Array              bool // every entry exists: a constant index in range is never missing
	ReadOnly           bool // programs do not write it
	WriteOnly          bool // nor read it
	Known              bool // the verifier may know what is in it
	MaxEntries         int64
	KeySize, ValueSize int
	Objects            []Object // of the kernel, in its values
}

// An Object is a part of a map's value that only helpers touch.
type Object struct {
	Name      string
	Off, Size int64
}

// Env says what the function's program knows. All of it may be missing:
// what is not known is not reported.
type Env struct {
	Ctx   *abi.CtxStruct                // the context's fields
	Kfunc func(name string) *abi.Helper // the rules of a kernel function, in the manner of a helper; may be nil
	Map   func(name string) *Map        // by the name in OpMapAddr, nil if there is none
	// Variable gives a global variable, as a map of one value; may be nil.
	Variable func(name string) *Map
	// Sub says that other functions call this one: it may begin and end
	// with a lock held.
	Sub    bool
	Called bool // the kernel calls it: as a callback, or as if it did
	// Returns is the range of results that the verifier takes; nil for any.
	Returns        *[2]int64
	PacketReadOnly bool                    // packet data may not be written
	Global         func(name string) bool  // subprograms that the verifier looks at on their own; may be nil
	Shape          *Shape                  // the function's code; nil if it is not known
	Walked         func(name string) int   // of a subprogram that is walked at every call: as Check gives it; may be nil
	Callback       func(name string) *Body // the functions that helpers call back; may be nil
	Plain          bool                    // take nothing back before the end, for tests: it must find the same
}

// Check finds the mistakes of f. insns is about how many instructions the
// verifier walks to see them all; 0 where f is too long to be walked to the end.
func Check(f *ir.Func, env Env) (found []Finding, insns int) {
	found, insns = newAnalysis(f, env).check()
	tooComplex := func(x Finding) bool { return x.Kind == TooComplex }
	s := splice(f, &env)
	if s == nil || slices.ContainsFunc(found, tooComplex) {
		return found, insns
	}
	// With callbacks in place only what is walked is looked at.
	env.Shape = s.shape
	a := newAnalysis(s.f, env)
	a.spliced = &s.spliced
	more, insns := a.check()
	return append(found, slices.DeleteFunc(more, func(x Finding) bool { return !tooComplex(x) })...), insns
}

func (a *analysis) check() (found []Finding, insns int) {
	insns = a.run()
	if !a.asked {
		return a.findings, insns
	}
	// Hardly any function has findings, and the ways to them are not noted before
	// there are some.
	again := &analysis{f: a.f, env: a.env, spliced: a.spliced, notes: true}
	insns = again.run()
	return again.findings, insns
}

// run prepares and walks; it gives how many instructions the walk was, 0 if it has
// not come to the end.
func (a *analysis) run() int {
	a.arena = newArena()
	defer a.arena.end()
	a.scan()
	a.prepare()
	if !a.walk() {
		return 0
	}
	return a.insns
}

// Warnings finds what is no mistake, and hardly meant.
func Warnings(f *ir.Func) []Finding {
	a := newAnalysis(f, Env{})
	a.purposeless()
	return a.findings
}

func newAnalysis(f *ir.Func, env Env) *analysis {
	env.Map, env.Variable = once(env.Map), once(env.Variable)
	return &analysis{f: f, env: env}
}

// once gives the same map for the same name each time: states compare them.
func once(find func(string) *Map) func(string) *Map {
	if find == nil {
		return func(string) *Map { return nil }
	}
	found := map[string]*Map{}
	return func(name string) *Map {
		m, ok := found[name]
		if !ok {
			m = find(name)
			found[name] = m
		}
		return m
	}
}

type seenKey struct {
	kind  Kind
	value int
}

// An analysis is one run over a function.
type analysis struct {
	*arena
	*spliced // nil if no callbacks are in place
	f        *ir.Func
	env      Env
	findings []Finding
	seen     map[seenKey]bool
	notes    bool // on the branches on the way, see step
	asked    bool // for them

	loops       bool           // some edge goes back
	dynptrSlots map[int32]bool // slots that some call takes for a dynptr
	objects     bool           // some map has objects of the kernel in its values
	need        []bool
	uses        []int32
	entry, end  []place  // of each block; at the end of those that end in a comparison
	before      []*place // by value: before and behind what jumps in the middle of a block
	after       []*place

	vals    []Val  // of the state that is walked, by value
	maps    []*Map // see mapNamed
	st      globals
	frame   []int64         // where slots are, below the frame's end
	kept    []bool          // slots whose contents matter
	slotsOf map[int32][]int // by word of the stack: which of the kept slots it is, by their bits
	fuel    int
	next    []*ir.Block // by block: what the code goes on with

	position
	last             *checkpoint // on the way here
	insns, jumps     int         // walked: about what the verifier counts
	sure             int         // and those without doubt
	passed           []int32     // by block: how often a path has come by it
	parts            []int32     // and how many more a comparison there has made of them
	atInsns, atJumps int         // when the last checkpoint was made

	names [][2]int32 // of numbers, in two states: see alike

	stamps []int32 // by value: whether it is in the set that sort asks for
	stamp  int32
}

// report adds a finding about v, unless the path is in doubt.
func (a *analysis) report(v *ir.Value, x Finding, about ...*Val) {
	if a.st.doubt && x.Kind.Refused() || a.seen[seenKey{x.Kind, v.ID}] {
		return
	}
	if a.seen == nil {
		a.seen = map[seenKey]bool{}
	}
	a.seen[seenKey{x.Kind, v.ID}] = true
	x.Pos, x.value = v.Pos, v.ID
	a.asked = a.asked || len(about) > 0
	x.Way = a.way(x.Kind, about)
	a.findings = append(a.findings, x)
}

func (e *Env) kfunc(name string) *abi.Helper {
	if e.Kfunc == nil {
		return nil
	}
	return e.Kfunc(name)
}

// mostBranches is how many branches a message names.
const mostBranches = 3

// way lists the last branches on the path that tell of the values. That a
// pointer is not null tells nothing of where it points to.
func (a *analysis) way(k Kind, about []*Val) (out []Branch) {
	pointers := k <= StalePointer || k == UseAfterRelease
	tells := func(s *step) bool {
		for _, v := range about {
			for _, id := range [2][2]int32{s.x, s.y} {
				if v.Sym != 0 && id[0] == v.Sym || pointers && v.Obj != 0 && id[1] == v.Obj {
					return true
				}
			}
		}
		return false
	}
	for s := a.st.trail; s != nil && len(out) < mostBranches; s = s.before {
		if tells(s) {
			out = append(out, Branch{s.test.Pos, s.holds})
		}
	}
	slices.Reverse(out)
	return out
}
