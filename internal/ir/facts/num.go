package facts

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/whistler-lang/whistler/internal/ir"
)

// A Num is a set of 64-bit numbers, as the kernel's verifier describes it:
// what lies in the unsigned range Min..Max and in the signed range
// SMin..SMax, and has the bits of Bits wherever Unknown has none. The three
// are kept in step: what one knows, the others know.
type Num struct {
	Min, Max      uint64
	SMin, SMax    int64
	Bits, Unknown uint64 // Bits&Unknown is 0
}

// Any is the set of all numbers.
func Any() Num {
	return Num{0, math.MaxUint64, math.MinInt64, math.MaxInt64, 0, math.MaxUint64}
}

// Just is the set of one number.
func Just(n uint64) Num { return Num{n, n, int64(n), int64(n), n, 0} }

// Range is the set of the unsigned numbers from lo to hi.
func Range(lo, hi uint64) Num {
	n := Any()
	n.Min, n.Max = lo, hi
	n, _ = n.settle()
	return n
}

// srange is the set of the signed numbers from lo to hi.
func srange(lo, hi int64) Num {
	n := Any()
	n.SMin, n.SMax = lo, hi
	n, _ = n.settle()
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
func (n Num) Const() (uint64, bool) { return n.Min, n.Min == n.Max }

// Has reports whether x is in n.
func (n Num) Has(x uint64) bool {
	return n.Min <= x && x <= n.Max && n.SMin <= int64(x) && int64(x) <= n.SMax && x&^n.Unknown == n.Bits
}

// Covers reports whether all of m is in n.
func (n Num) Covers(m Num) bool {
	return n.Min <= m.Min && m.Max <= n.Max && n.SMin <= m.SMin && m.SMax <= n.SMax &&
		m.Unknown&^n.Unknown == 0 && m.Bits&^n.Unknown == n.Bits
}

// Join is the smallest set that has all of n and m.
func (n Num) Join(m Num) Num {
	unknown := n.Unknown | m.Unknown | (n.Bits ^ m.Bits)
	return Num{min(n.Min, m.Min), max(n.Max, m.Max), min(n.SMin, m.SMin), max(n.SMax, m.SMax), n.Bits &^ unknown, unknown}
}

// Meet is what n and m have in common; ok is false if that is nothing.
func (n Num) Meet(m Num) (_ Num, ok bool) {
	if (n.Bits^m.Bits)&^n.Unknown&^m.Unknown != 0 {
		return n, false
	}
	return Num{max(n.Min, m.Min), min(n.Max, m.Max), max(n.SMin, m.SMin), min(n.SMax, m.SMax),
		n.Bits | m.Bits, n.Unknown & m.Unknown}.settle()
}

// settle lets ranges and bits tell each other what they know; ok is false
// if no number is left.
func (n Num) settle() (_ Num, ok bool) {
	for range 2 {
		n.Min, n.Max = max(n.Min, n.Bits), min(n.Max, n.Bits|n.Unknown)
		// The signed range of the bits: the sign bit counts the other way.
		const sign = 1 << 63
		lo := n.Bits | n.Unknown&sign
		hi := n.Bits | n.Unknown&^sign
		n.SMin, n.SMax = max(n.SMin, int64(lo)), min(n.SMax, int64(hi))
		if n.Min > n.Max || n.SMin > n.SMax {
			return n, false
		}
		// A range on one side of a boundary is a range of the other sign.
		if int64(n.Min) <= int64(n.Max) {
			n.SMin, n.SMax = max(n.SMin, int64(n.Min)), min(n.SMax, int64(n.Max))
		}
		if n.SMin > n.SMax {
			return n, false
		}
		if uint64(n.SMin) <= uint64(n.SMax) {
			n.Min, n.Max = max(n.Min, uint64(n.SMin)), min(n.Max, uint64(n.SMax))
		}
		if n.Min > n.Max {
			return n, false
		}
		// The bits above the highest one in which the ends differ are known.
		free := uint64(math.MaxUint64)
		if k := bits.Len64(n.Min ^ n.Max); k < 64 {
			free = 1<<k - 1
		}
		if (n.Bits^n.Min)&^n.Unknown&^free != 0 {
			return n, false
		}
		n.Bits |= n.Min & n.Unknown &^ free
		n.Unknown &= free
	}
	return n, true
}

// trunc is the set of the low w bits of n's numbers.
func (n Num) trunc(w uint) Num {
	if w >= 64 || n.Max>>w == 0 {
		return n
	}
	mask := uint64(1)<<w - 1
	t := Any()
	t.Bits, t.Unknown = n.Bits&mask, n.Unknown&mask
	if n.Min>>w == n.Max>>w {
		t.Min, t.Max = n.Min&mask, n.Max&mask
	}
	t, _ = t.settle()
	return t
}

// signExtend is the set of n's numbers with bit w-1 copied upwards.
func (n Num) signExtend(w uint) Num {
	if w >= 64 {
		return n
	}
	n = n.trunc(w)
	top := uint64(1) << (w - 1)
	switch {
	case n.Max < top:
		return n
	case n.Min >= top:
		return srange(int64(n.Min|-top), int64(n.Max|-top)).with(n.Bits|-top, n.Unknown)
	}
	return srange(-1<<(w-1), 1<<(w-1)-1)
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

// Eval is the set of op's results at size bytes for arguments from a and b:
// it has ir.Op.Eval(size, x, y) for all x of a and y of b.
func Eval(op ir.Op, size uint8, a, b Num) Num {
	x, constA := a.Const()
	y, constB := b.Const()
	if constA && (constB || op.Arity() == 1) {
		return Just(op.Eval(size, x, y))
	}
	w := uint(size) * 8
	if w == 0 {
		w = 64
	}
	switch op {
	case ir.OpCopy:
		return a
	case ir.OpZext:
		return a.trunc(w)
	case ir.OpSext:
		return a.signExtend(w)
	case ir.OpBE, ir.OpBswap:
		return OfSize(size)
	}
	a, b = a.trunc(w), b.trunc(w)
	if op.Compares() {
		switch yes, no := possible(op, w, a, b); {
		case !no:
			return Just(1)
		case !yes:
			return Just(0)
		}
		return Range(0, 1)
	}
	return arith(op, w, a, b).trunc(w)
}

// possible reports which results a comparison of w bits may have; a and b
// are truncated.
func possible(op ir.Op, w uint, a, b Num) (yes, no bool) {
	as, bs := a.signExtend(w), b.signExtend(w)
	switch op {
	case ir.OpEq, ir.OpNe:
		_, meet := a.Meet(b)
		x, c1 := a.Const()
		y, c2 := b.Const()
		equal := c1 && c2 && x == y
		if op == ir.OpEq {
			return meet, !equal
		}
		return !equal, meet
	case ir.OpUlt:
		return a.Min < b.Max, a.Max >= b.Min
	case ir.OpUle:
		return a.Min <= b.Max, a.Max > b.Min
	case ir.OpUgt:
		return a.Max > b.Min, a.Min <= b.Max
	case ir.OpUge:
		return a.Max >= b.Min, a.Min < b.Max
	case ir.OpSlt:
		return as.SMin < bs.SMax, as.SMax >= bs.SMin
	case ir.OpSle:
		return as.SMin <= bs.SMax, as.SMax > bs.SMin
	case ir.OpSgt:
		return as.SMax > bs.SMin, as.SMin <= bs.SMax
	case ir.OpSge:
		return as.SMax >= bs.SMin, as.SMin < bs.SMax
	case ir.OpTest:
		return (a.Bits|a.Unknown)&(b.Bits|b.Unknown) != 0, a.Bits&b.Bits == 0
	}
	return true, true
}

// arith is an operation on truncated numbers; its result may have more than
// w bits.
func arith(op ir.Op, w uint, a, b Num) Num {
	y, constB := b.Const()
	switch op {
	case ir.OpAdd:
		return add(a, b)
	case ir.OpSub:
		return sub(a, b)
	case ir.OpNeg:
		return sub(Just(0), a)
	case ir.OpMul:
		if hi, lo := bits.Mul64(a.Max, b.Max); hi == 0 {
			return Range(a.Min*b.Min, lo)
		}
	case ir.OpUDiv:
		if b.Min > 0 {
			return Range(a.Min/b.Max, a.Max/b.Min)
		}
		return Range(0, a.Max)
	case ir.OpUMod:
		switch {
		case b.Min > 0 && a.Max < b.Min:
			return a
		case b.Min > 0:
			return Range(0, min(a.Max, b.Max-1))
		}
		return Range(0, a.Max)
	case ir.OpAnd:
		return Range(0, min(a.Max, b.Max)).with(a.Bits&b.Bits, (a.Bits|a.Unknown)&(b.Bits|b.Unknown)&^(a.Bits&b.Bits))
	case ir.OpOr:
		known := a.Bits | b.Bits
		return Range(max(a.Min, b.Min), math.MaxUint64).with(known, (a.Unknown|b.Unknown)&^known)
	case ir.OpXor:
		unknown := a.Unknown | b.Unknown
		return Any().with((a.Bits^b.Bits)&^unknown, unknown)
	case ir.OpShl:
		if constB {
			k := uint(y) & (w - 1)
			n := Any().with(a.Bits<<k, a.Unknown<<k)
			if a.Max <= math.MaxUint64>>k {
				if m, ok := n.Meet(Range(a.Min<<k, a.Max<<k)); ok {
					return m
				}
			}
			return n
		}
	case ir.OpShr:
		if constB {
			k := uint(y) & (w - 1)
			return Range(a.Min>>k, a.Max>>k).with(a.Bits>>k, a.Unknown>>k)
		}
		return Range(0, a.Max)
	case ir.OpSar:
		s := a.signExtend(w)
		if constB {
			k := uint(y) & (w - 1)
			return srange(s.SMin>>k, s.SMax>>k)
		}
		return srange(min(s.SMin, 0), max(s.SMax, 0)) // toward 0 or -1
	}
	return Any()
}

func add(a, b Num) Num {
	n := Any()
	if lo, hi := a.Min+b.Min, a.Max+b.Max; hi >= a.Max {
		n.Min, n.Max = lo, hi
	}
	if lo, hi := a.SMin+b.SMin, a.SMax+b.SMax; (lo < a.SMin) == (b.SMin < 0) && (hi < a.SMax) == (b.SMax < 0) {
		n.SMin, n.SMax = lo, hi
	}
	// The carries into a bit are known where the sums of the least and of
	// the greatest numbers agree.
	low, high := a.Bits+b.Bits, a.Bits+a.Unknown+b.Bits+b.Unknown
	n.Unknown = (low ^ high) | a.Unknown | b.Unknown
	n.Bits = low &^ n.Unknown
	n, _ = n.settle()
	return n
}

func sub(a, b Num) Num {
	n := Any()
	if a.Min >= b.Max {
		n.Min, n.Max = a.Min-b.Max, a.Max-b.Min
	}
	if lo, hi := a.SMin-b.SMax, a.SMax-b.SMin; (lo > a.SMin) == (b.SMax < 0) && (hi > a.SMax) == (b.SMin < 0) {
		n.SMin, n.SMax = lo, hi
	}
	d := a.Bits - b.Bits
	n.Unknown = ((d + a.Unknown) ^ (d - b.Unknown)) | a.Unknown | b.Unknown
	n.Bits = d &^ n.Unknown
	n, _ = n.settle()
	return n
}

// Refine gives what is left of a and b on the edge where cmp of size bytes
// holds between them; ok is false if nothing can take the edge.
func Refine(cmp ir.Op, size uint8, a, b Num) (x, y Num, ok bool) {
	w := uint(size) * 8
	if yes, _ := possible(cmp, w, a.trunc(w), b.trunc(w)); !yes {
		return a, b, false
	}
	switch {
	case w >= 64:
	case a.Max>>w != 0 || b.Max>>w != 0:
		return a, b, true // what is compared is not what the values are
	case signedCompare(cmp) && (a.Max>>(w-1) != 0 || b.Max>>(w-1) != 0):
		return a, b, true
	}
	x, y = a, b
	ok1, ok2 := true, true
	switch cmp {
	case ir.OpEq:
		x, ok1 = a.Meet(b)
		y = x
	case ir.OpNe:
		x, ok1 = a.without(b)
		y, ok2 = b.without(a)
	case ir.OpUlt: // not empty: a.Min < b.Max
		x.Max, y.Min = min(x.Max, y.Max-1), max(y.Min, x.Min+1)
	case ir.OpUle:
		x.Max, y.Min = min(x.Max, y.Max), max(y.Min, x.Min)
	case ir.OpSlt:
		x.SMax, y.SMin = min(x.SMax, y.SMax-1), max(y.SMin, x.SMin+1)
	case ir.OpSle:
		x.SMax, y.SMin = min(x.SMax, y.SMax), max(y.SMin, x.SMin)
	case ir.OpUgt, ir.OpUge, ir.OpSgt, ir.OpSge:
		y, x, ok = Refine(cmp.Swapped(), size, b, a)
		return x, y, ok
	case ir.OpTest:
		if m, isConst := b.Const(); isConst && bits.OnesCount64(m) == 1 {
			x.Bits, x.Unknown = x.Bits|m, x.Unknown&^m
		}
	default:
		return a, b, true
	}
	if ok1 {
		x, ok1 = x.settle()
	}
	if ok2 {
		y, ok2 = y.settle()
	}
	return x, y, ok1 && ok2
}

// RefineNot is Refine for the edge where cmp does not hold.
func RefineNot(cmp ir.Op, size uint8, a, b Num) (x, y Num, ok bool) {
	if neg, has := cmp.Negated(); has {
		return Refine(neg, size, a, b)
	}
	if _, no := possible(cmp, uint(size)*8, a.trunc(uint(size)*8), b.trunc(uint(size)*8)); !no {
		return a, b, false
	}
	if m, isConst := b.Const(); isConst && cmp == ir.OpTest {
		m = ir.Trunc(m, uint(size)*8)
		a.Bits, a.Unknown = a.Bits&^m, a.Unknown&^m
		a, ok = a.settle()
		return a, b, ok
	}
	return a, b, true
}

// without is n less the one number of m, where that is at an end of n.
func (n Num) without(m Num) (Num, bool) {
	c, isConst := m.Const()
	if !isConst {
		return n, true
	}
	if n.Min == c {
		n.Min++
		if n.Min == 0 {
			return n, false
		}
	}
	if n.Max == c {
		n.Max--
		if c == 0 {
			return n, false
		}
	}
	if n.SMin == int64(c) && n.SMin < math.MaxInt64 {
		n.SMin++
	}
	if n.SMax == int64(c) && n.SMax > math.MinInt64 {
		n.SMax--
	}
	return n.settle()
}

func signedCompare(op ir.Op) bool {
	return op == ir.OpSlt || op == ir.OpSle || op == ir.OpSgt || op == ir.OpSge
}

func (n Num) String() string {
	if c, ok := n.Const(); ok {
		return fmt.Sprint(int64(c))
	}
	return fmt.Sprintf("%d..%d, %d..%d, %#x/%#x", n.Min, n.Max, n.SMin, n.SMax, n.Bits, n.Unknown)
}
