package facts

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/whistler-lang/whistler/internal/ir"
)

// A Num is a set of 64-bit numbers, as the kernel's verifier describes it:
// what lies in an unsigned and in a signed range, whose low 32 bits do so
// too, and has the bits of Bits wherever Unknown has none. What it says of
// an operation is what the verifier says, and no more: of a quotient or a
// remainder nothing.
type Num struct {
	wide
	Low           low
	Bits, Unknown uint64 // Bits&Unknown is 0
}

// A lane is a range of unsigned and a range of signed numbers.
type lane[U uint32 | uint64, S int32 | int64] struct {
	Min, Max   U
	SMin, SMax S
}

type (
	wide = lane[uint64, int64]
	low  = lane[uint32, int32]
)

var (
	anyWide = wide{0, math.MaxUint64, math.MinInt64, math.MaxInt64}
	anyLow  = low{0, math.MaxUint32, math.MinInt32, math.MaxInt32}
)

// all is the lane of all numbers.
func (l lane[U, S]) all() lane[U, S] {
	top := S(^U(0) >> 1)
	return lane[U, S]{0, ^U(0), -top - 1, top}
}

func (l lane[U, S]) empty() bool { return l.Min > l.Max || l.SMin > l.SMax }

func (l lane[U, S]) has(x U) bool {
	return l.Min <= x && x <= l.Max && l.SMin <= S(x) && S(x) <= l.SMax
}

func (l lane[U, S]) covers(m lane[U, S]) bool {
	return l.Min <= m.Min && m.Max <= l.Max && l.SMin <= m.SMin && m.SMax <= l.SMax
}

func (l lane[U, S]) meet(m lane[U, S]) lane[U, S] {
	return lane[U, S]{max(l.Min, m.Min), min(l.Max, m.Max), max(l.SMin, m.SMin), min(l.SMax, m.SMax)}
}

func (l lane[U, S]) join(m lane[U, S]) lane[U, S] {
	return lane[U, S]{min(l.Min, m.Min), max(l.Max, m.Max), min(l.SMin, m.SMin), max(l.SMax, m.SMax)}
}

// ofBits narrows l to what known bits allow.
func (l lane[U, S]) ofBits(known, unknown U) lane[U, S] {
	sign := ^(^U(0) >> 1) // it counts the other way in signed numbers
	return l.meet(lane[U, S]{known, known | unknown, S(known | unknown&sign), S(known | unknown&^sign)})
}

// signs lets the two ranges tell each other what they know: a range on one
// side of a boundary is a range of the other sign.
func (l lane[U, S]) signs() lane[U, S] {
	if S(l.Min) <= S(l.Max) {
		l.SMin, l.SMax = max(l.SMin, S(l.Min)), min(l.SMax, S(l.Max))
	}
	if U(l.SMin) <= U(l.SMax) {
		l.Min, l.Max = max(l.Min, U(l.SMin)), min(l.Max, U(l.SMax))
	}
	return l
}

// unsigned takes the signed range from the unsigned one.
func (l lane[U, S]) unsigned() lane[U, S] {
	if S(l.Min) <= S(l.Max) {
		l.SMin, l.SMax = S(l.Min), S(l.Max)
	} else {
		l.SMin, l.SMax = l.all().SMin, l.all().SMax
	}
	return l
}

func (l lane[U, S]) add(m lane[U, S]) lane[U, S] {
	r := l.all()
	if lo, hi := l.SMin+m.SMin, l.SMax+m.SMax; (lo < l.SMin) == (m.SMin < 0) && (hi < l.SMax) == (m.SMax < 0) {
		r.SMin, r.SMax = lo, hi
	}
	// All sums wrap around, or none.
	if lo, hi := l.Min+m.Min, l.Max+m.Max; (lo < l.Min) == (hi < l.Max) {
		r.Min, r.Max = lo, hi
	}
	return r
}

func (l lane[U, S]) sub(m lane[U, S]) lane[U, S] {
	r := l.all()
	if lo, hi := l.SMin-m.SMax, l.SMax-m.SMin; (lo > l.SMin) == (m.SMax < 0) && (hi > l.SMax) == (m.SMin < 0) {
		r.SMin, r.SMax = lo, hi
	}
	if under, over := l.Min < m.Max, l.Max < m.Min; under == over {
		r.Min, r.Max = l.Min-m.Max, l.Max-m.Min
	}
	return r
}

func (l lane[U, S]) mul(m lane[U, S]) lane[U, S] {
	r := l.all()
	if l.Max == 0 || m.Max <= ^U(0)/l.Max {
		r.Min, r.Max = l.Min*m.Min, l.Max*m.Max
	}
	first := true
	for _, x := range [2]S{l.SMin, l.SMax} {
		for _, y := range [2]S{m.SMin, m.SMax} {
			p := x * y
			if x != 0 && (p/x != y || x == -1 && y == r.all().SMin) {
				r.SMin, r.SMax = r.all().SMin, r.all().SMax
				return r
			}
			if first {
				r.SMin, r.SMax, first = p, p, false
			}
			r.SMin, r.SMax = min(r.SMin, p), max(r.SMax, p)
		}
	}
	return r
}

// Any is the set of all numbers.
func Any() Num { return Num{anyWide, anyLow, 0, math.MaxUint64} }

// Just is the set of one number.
func Just(n uint64) Num {
	return Num{wide{n, n, int64(n), int64(n)}, low{uint32(n), uint32(n), int32(n), int32(n)}, n, 0}
}

// Range is the set of the unsigned numbers from lo to hi.
func Range(lo, hi uint64) Num {
	n := Any()
	n.Min, n.Max = lo, hi
	n.settle()
	return n
}

// OfSize is the set of the unsigned numbers of size bytes.
func OfSize(size uint8) Num {
	if size == 0 || size >= 8 {
		return Any()
	}
	return Range(0, 1<<(8*uint(size))-1)
}

// Const gives the one number of n.
func (n Num) Const() (uint64, bool) { return n.Bits, n.Unknown == 0 }

// Has reports whether x is in n.
func (n Num) Has(x uint64) bool {
	return n.wide.has(x) && n.Low.has(uint32(x)) && x&^n.Unknown == n.Bits
}

// Covers reports whether all of m is in n.
func (n Num) Covers(m Num) bool {
	return n.wide.covers(m.wide) && n.Low.covers(m.Low) && m.Unknown&^n.Unknown == 0 && m.Bits&^n.Unknown == n.Bits
}

// Join is the smallest set that has all of n and m.
func (n Num) Join(m Num) Num {
	unknown := n.Unknown | m.Unknown | (n.Bits ^ m.Bits)
	return Num{n.wide.join(m.wide), n.Low.join(m.Low), n.Bits &^ unknown, unknown}
}

// Meet is what n and m have in common; ok is false if that is nothing.
func (n Num) Meet(m Num) (_ Num, ok bool) {
	if (n.Bits^m.Bits)&^n.Unknown&^m.Unknown != 0 {
		return n, false
	}
	x := Num{n.wide.meet(m.wide), n.Low.meet(m.Low), n.Bits | m.Bits, n.Unknown & m.Unknown}
	ok = x.settle()
	return x, ok
}

// settle lets ranges and bits tell each other what they know, by the
// verifier's steps; ok is false if no number is left.
func (n *Num) settle() (ok bool) {
	if n.Unknown == 0 { // one number, or none
		ok = n.wide.has(n.Bits) && n.Low.has(uint32(n.Bits))
		*n = Just(n.Bits)
		return ok
	}
	n.wide, n.Low = n.wide.ofBits(n.Bits, n.Unknown), n.Low.ofBits(uint32(n.Bits), uint32(n.Unknown))
	for range 3 {
		old := *n
		if n.deduce(); n.is(&old) {
			break // further steps find nothing either
		}
	}
	free := ^uint64(0) // bits below the highest one in which the ends differ
	if k := bits.Len64(n.Min ^ n.Max); k < 64 {
		free = 1<<k - 1
	}
	n.know(n.Min&^free, free)
	if k := bits.Len32(n.Low.Min ^ n.Low.Max); k < 32 {
		free := uint64(1)<<k - 1
		n.know(uint64(n.Low.Min)&^free, free|math.MaxUint32<<32)
	}
	n.wide, n.Low = n.wide.ofBits(n.Bits, n.Unknown), n.Low.ofBits(uint32(n.Bits), uint32(n.Unknown))
	return !n.wide.empty() && !n.Low.empty()
}

// is reports whether n and m are the same: == calls a function for so much.
func (n *Num) is(m *Num) bool {
	return n.Min == m.Min && n.Max == m.Max && n.SMin == m.SMin && n.SMax == m.SMax && n.Low.Min == m.Low.Min &&
		n.Low.Max == m.Low.Max && n.Low.SMin == m.Low.SMin && n.Low.SMax == m.Low.SMax && n.Bits == m.Bits && n.Unknown == m.Unknown
}

// know adds known bits.
func (n *Num) know(known, unknown uint64) {
	n.Unknown &= unknown
	n.Bits = (n.Bits | known) &^ n.Unknown
}

// deduce lets the ranges of 32 and of 64 bits tell each other what they know.
func (n *Num) deduce() {
	l := &n.Low
	if n.Min>>32 == n.Max>>32 {
		l.Min, l.Max = max(l.Min, uint32(n.Min)), min(l.Max, uint32(n.Max))
		l.signed(n.Min, n.Max, int32(n.Min) <= int32(n.Max))
	}
	lo, hi := uint64(n.SMin), uint64(n.SMax)
	if lo>>32 == hi>>32 {
		if uint32(lo) <= uint32(hi) {
			l.Min, l.Max = max(l.Min, uint32(lo)), min(l.Max, uint32(hi))
		}
		l.signed(lo, hi, int32(lo) <= int32(hi))
	}
	// The upper halves are neighbours, and the lower ones go from below 0 upwards.
	l.signed(n.Min, n.Max, uint32(n.Min>>32)+1 == uint32(n.Max>>32) && int32(n.Min) < 0 && int32(n.Max) >= 0)
	l.signed(lo, hi, uint32(lo>>32)+1 == uint32(hi>>32) && int32(lo) < 0 && int32(hi) >= 0)
	n.Low = n.Low.signs()

	across := uint64(n.SMin) > uint64(n.SMax)
	n.wide = n.wide.signs()
	if across = across && uint64(n.SMin) > uint64(n.SMax); across {
		switch w := n.wide; { // the signed range is around 0: in two parts of the unsigned one
		case w.Max < uint64(w.SMin):
			n.SMin, n.Max = int64(w.Min), min(w.Max, uint64(w.SMax))
		case uint64(w.SMax) < w.Min:
			n.SMax, n.Min = int64(w.Max), max(w.Min, uint64(w.SMin))
		}
	}

	const upper = ^uint64(math.MaxUint32)
	n.Min, n.Max = max(n.Min, n.Min&upper|uint64(l.Min)), min(n.Max, n.Max&upper|uint64(l.Max))
	n.SMin, n.SMax = max(n.SMin, int64(uint64(n.SMin)&upper|uint64(l.Min))), min(n.SMax, int64(uint64(n.SMax)&upper|uint64(l.Max)))
	if l.SMin >= 0 && n.SMin >= math.MinInt32 && n.SMax <= math.MaxInt32 {
		n.wide = wide{uint64(l.SMin), uint64(l.SMax), int64(l.SMin), int64(l.SMax)}
		if k := bits.Len64(n.Min ^ n.Max); k < 64 {
			n.know(n.Min&^(1<<k-1), 1<<k-1)
		}
	}
}

// signed narrows the signed range to that of the low halves of lo and hi.
func (l *lane[U, S]) signed(lo, hi uint64, known bool) {
	if known {
		l.SMin, l.SMax = max(l.SMin, S(lo)), min(l.SMax, S(hi))
	}
}

// zeroExtend makes of n what it is after an operation of 32 bits; it is to be
// settled.
func (n *Num) zeroExtend() {
	n.Bits, n.Unknown = uint64(uint32(n.Bits)), uint64(uint32(n.Unknown))
	n.wide = wide{uint64(n.Low.Min), uint64(n.Low.Max), 0, math.MaxUint32}
	if n.Low.SMin >= 0 {
		n.SMin, n.SMax = int64(n.Low.SMin), int64(n.Low.SMax)
	}
}

// trunc is the set of the low w bits of n's numbers.
func (n Num) trunc(w uint) Num {
	switch {
	case w >= 64 || n.Max>>w == 0:
		return n
	case w == 32:
		n.zeroExtend()
	default:
		n = bitwise(ir.OpAnd, n, Just(1<<w-1))
	}
	n.settle()
	return n
}

// signExtend is the set of n's numbers with bit w-1 copied upwards, by the
// two shifts that do so.
func (n Num) signExtend(w uint) Num {
	if w >= 64 {
		return n
	}
	n = shift(ir.OpShl, 64, n, 64-w)
	n.settle()
	n = shift(ir.OpSar, 64, n, 64-w)
	n.settle()
	return n
}

// with adds known bits to n.
func (n Num) with(known, unknown uint64) Num {
	m := Any()
	m.Bits, m.Unknown = known&^unknown, unknown
	if x, ok := n.Meet(m); ok {
		return x
	}
	return n
}

func (n Num) String() string {
	if c, ok := n.Const(); ok {
		return fmt.Sprint(int64(c))
	}
	return fmt.Sprintf("%d..%d, %d..%d, %#x/%#x", n.Min, n.Max, n.SMin, n.SMax, n.Bits, n.Unknown)
}
