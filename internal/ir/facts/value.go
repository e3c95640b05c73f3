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
	Result                // a helper's result: the verifier may know a range around 0
	Sure                  // the verifier knows no more
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
	Sym   int32   // of a number that is not constant: whose sum with Off it is
	Obj   int32   // of a pointer: what gave it, see objects below
	Ref   int32   // of a pointer: the call whose reference it depends on, plus one
	Why   int32   // of a stale pointer: the call that made it so
	Off   int64
	Num   Num
}

// Objects are named by the call that gave them, plus one; packets, which
// have no such call, have negative names, and so have pointers at a variable
// offset in them.
const (
	objPacket = -1 - iota
	objMeta
	objEnd
	objVariable // and below
)

// A variable names packet pointers at a variable offset.
type variable struct {
	base, sym int32
	minus     bool
}

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
		return x.Num.Max >= y.Num.Max && x.Trust >= y.Trust && x.Sym == y.Sym && x.Off == y.Off && x.Num.Covers(y.Num)
	}
	return *x == *y
}

// A packet is how long the packet is known to be behind an object: at least
// Lo bytes, and less than Hi.
type packet struct {
	obj    int32
	lo, hi int64
}

const farAway = 1 << 40

// globals are the parts of a state that belong to no value.
type globals struct {
	refs    []int32 // references held: the calls plus one
	packets []packet
	dynptrs []dynptr
	lock    int32 // the call that took the lock which is held, plus one
	locked  Val   // and the pointer to it
	doubt   bool
}

func (g *globals) clone() globals {
	h := *g
	h.refs, h.packets = append([]int32(nil), g.refs...), append([]packet(nil), g.packets...)
	h.dynptrs = append([]dynptr(nil), g.dynptrs...)
	return h
}

func (g *globals) packet(obj int32) packet {
	for _, p := range g.packets {
		if p.obj == obj {
			return p
		}
	}
	return packet{obj, 0, farAway}
}

func (g *globals) setPacket(p packet) {
	for i := range g.packets {
		if g.packets[i].obj == p.obj {
			g.packets[i] = p
			return
		}
	}
	g.packets = append(g.packets, p)
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
			g.refs = append(g.refs[:i:i], g.refs[i+1:]...)
			return
		}
	}
}

func (g *globals) covers(h *globals) bool {
	if g.doubt && !h.doubt || len(g.refs) != len(h.refs) || g.lock != h.lock || g.locked != h.locked {
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
	for _, p := range g.packets {
		q := h.packet(p.obj)
		if p.lo > q.lo || p.hi < q.hi {
			return false
		}
	}
	return true
}

// A state is what is known at the entry of a block, or in its middle: the
// values named by a list that the block has.
type state struct {
	vals []Val
	globals
}

func (s *state) covers(t *state) bool {
	if !s.globals.covers(&t.globals) {
		return false
	}
	for i := range s.vals {
		if !s.vals[i].covers(&t.vals[i]) {
			return false
		}
	}
	return true
}
