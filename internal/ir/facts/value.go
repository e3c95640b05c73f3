package facts

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// A Class is what sort of thing a value is on a path.
type Class uint8

const (
	Unknown Class = iota // anything: nothing is ever reported of it
	Number
	Pointer
	Stale // was a pointer; for the verifier it is a number now
)

// Trust says how a value's facts compare with what the verifier knows.
// A branch that only the verifier might decide makes the path doubtful.
type Trust uint8

const (
	Doubtful Trust = iota // the verifier may know more
	Sure                  // the verifier knows the same
)

// Nullness of a pointer.
type Nullness uint8

const (
	NotNull Nullness = iota
	MayBeNull
	IsNull
)

// A Val is what is known of a value on a path. Equal identities (Sym for
// numbers, Obj for pointers) mean that the values differ by Off only, so
// that a test of one teaches about all.
type Val struct {
	Class Class
	Trust Trust
	Null  Nullness
	Space ir.Type // of a pointer
	Range int32   // of a packet pointer: how many bytes behind its object are there, or atEnd, beyondEnd
	Sym   int32   // of a number that is not constant: whose sum with Off it is; of a pointer: what was added last
	Obj   int32   // of a pointer: what gave it, see objects below
	Ref   int32   // of a pointer: the call whose reference it depends on, plus one
	Why   int32   // of a stale pointer: the call that made it so
	Map   int32   // whose value it is, see mapNamed; 0 if it is none's
	Off   int64
	Num   Num   // of a pointer: the part of its offset that is not constant
	Size  int64 // of the memory that a pointer points into, 0 if that is not known
}

// mapNamed is the map of a Val, nil of 0; name is what Vals call m.
func (a *analysis) mapNamed(name int32) *Map {
	if name == 0 {
		return nil
	}
	return a.maps[name-1]
}

func (a *analysis) name(m *Map) int32 {
	i := slices.Index(a.maps, m)
	if i < 0 {
		i = len(a.maps)
		a.maps = append(a.maps, m)
	}
	return int32(i) + 1
}

// What Range says of a pointer that a comparison put behind the packet.
const (
	atEnd     = -1 - iota // at its end, or behind it
	beyondEnd             // behind it
)

// Objects are named by the call that gave them, plus one; packets, which
// have no such call, have negative names. A pointer at a variable offset in a
// packet is another object, named by the addition.
const (
	objPacket = -1 - iota
	objMeta
	objEnd
)

func number(n Num, trust Trust) Val { return Val{Class: Number, Trust: trust, Num: n} }

func constant(n int64) Val { return number(Just(uint64(n)), Sure) }

// numeric reports whether comparisons of x teach about its Num.
func (x *Val) numeric() bool { return x.Class == Number || x.Class == Stale }

// isConst reports whether x is the number n.
func (x *Val) isConst(n int64) bool {
	c, ok := x.Num.Const()
	return x.Class == Number && ok && c == uint64(n) || x.Class == Pointer && x.Null == IsNull && n == 0
}

// covers reports whether a walk from x sees all that a walk from y sees.
func (x *Val) covers(y *Val) bool {
	switch {
	case x.Class != y.Class:
		return false
	case x.Class == Unknown:
		return true
	case x.Class == Number:
		return x.Num.Max >= y.Num.Max && x.Trust >= y.Trust && (x.Sym == 0 || x.Sym == y.Sym && x.Off == y.Off) && x.Num.Covers(y.Num)
	case x.Class == Pointer:
		return x.Off == y.Off && x.Obj == y.Obj && x.Null == y.Null && x.Space == y.Space && x.Sym == y.Sym &&
			x.Ref == y.Ref && x.Trust == y.Trust && x.Why == y.Why && x.Size == y.Size && x.Map == y.Map &&
			(x.Range == y.Range || 0 <= x.Range && x.Range < y.Range) && x.Num.Covers(y.Num)
	}
	return *x == *y
}

// globals are the parts of a state that belong to no value.
type globals struct {
	*held
	shared bool // held is another state's too
	doubt  bool
	trail  *step              // the branches on the way here
	depth  [mostLevels]uint32 // by level: how often the callback there was gone into
}

// What is held beside the registers. States share it; own gives one that may be
// changed.
type held struct {
	refs    []int32 // references: the calls plus one
	stack   []word
	lost    bool // what no word stands for, the verifier may know
	dynptrs []dynptr
	lock    int32 // the call that took the lock, plus one
	locked  lockPlace
}

var nothing = globals{held: new(held), shared: true}

// A lockPlace is where a lock is.
type lockPlace struct {
	class Class
	obj   int32
	off   int64
}

// share gives a copy of g.
func (g *globals) share() globals {
	g.shared = true
	return *g
}

func (g *globals) own() *held {
	if g.shared {
		h := *g.held
		h.refs, h.stack, h.dynptrs = slices.Clone(h.refs), slices.Clone(h.stack), slices.Clone(h.dynptrs)
		g.held, g.shared = &h, false
	}
	return g.held
}

// A step is a branch that could go both ways, and went one.
type step struct {
	before *step
	test   *ir.Value
	holds  bool
	x, y   [2]int32 // identities that the branch tells of: Sym and Obj
}

func (g *globals) holds(ref int32) bool {
	for _, r := range g.refs {
		if r == ref {
			return true
		}
	}
	return false
}

func (g *globals) drop(ref int32) {
	for i, r := range g.refs {
		if r == ref {
			h := g.own()
			h.refs = slices.Delete(h.refs, i, i+1)
			return
		}
	}
}

func (g *globals) covers(h *globals) bool {
	if g.doubt && !h.doubt {
		return false
	}
	for i, n := range g.depth {
		if n > h.depth[i] {
			return false
		}
	}
	if g.held == h.held {
		return true
	}
	if g.lost && !h.lost || len(g.refs) != len(h.refs) || g.lock != h.lock || g.locked != h.locked {
		return false
	}
	for _, r := range h.refs {
		if !g.holds(r) {
			return false
		}
	}
	if !slices.Equal(g.dynptrs, h.dynptrs) {
		return false
	}
	for i := range g.stack {
		if w, v := &g.stack[i], h.word(g.stack[i].at); v == nil || !w.covers(v) {
			return false
		}
	}
	return true
}

// A state is what is known at the entry of a block, or in its middle: the
// values named by a list that the block has.
type state struct {
	vals  []Val
	gotos int // on the way here
	globals
}
