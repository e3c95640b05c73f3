package facts

import (
	"math"
	"math/bits"

	"github.com/whistler-lang/whistler/internal/ir"
)

// narrow are sets for a comparison of w bits below 32: as what they are
// extended to.
func narrow(op ir.Op, w uint, a, b Num) (Num, Num) {
	if signedCompare(op) {
		return a.trunc(w).signExtend(w), b.trunc(w).signExtend(w)
	}
	return a.trunc(w), b.trunc(w)
}

// possible reports which results a comparison of w bits may have.
func possible(op ir.Op, w uint, a, b Num) (yes, no bool) {
	if w < 32 {
		a, b = narrow(op, w, a, b)
	}
	mask := ^uint64(0)
	if w == 32 {
		mask = math.MaxUint32
	}
	switch op {
	case ir.OpEq, ir.OpNe:
		known := (a.Unknown|b.Unknown)&mask == 0
		equal := known && (a.Bits^b.Bits)&mask == 0
		differ := known && !equal || (a.Bits^b.Bits)&^a.Unknown&^b.Unknown&mask != 0 || a.Low.meet(b.Low).empty()
		if w != 32 {
			differ = differ || a.wide.meet(b.wide).empty()
		}
		if op == ir.OpNe {
			return !equal, !differ
		}
		return !differ, !equal
	case ir.OpTest:
		if b.Unknown&mask != 0 {
			a, b = b, a
		}
		if b.Unknown&mask != 0 {
			return true, true
		}
		return (a.Bits|a.Unknown)&b.Bits&mask != 0, a.Bits&b.Bits&mask == 0
	}
	if w == 32 {
		return a.Low.order(op, b.Low)
	}
	return a.wide.order(op, b.wide)
}

// order reports whether l op m can hold and can fail, op being an order.
func (l lane[U, S]) order(op ir.Op, m lane[U, S]) (yes, no bool) {
	not, _ := op.Negated()
	return l.may(op, m), l.may(not, m)
}

func (l lane[U, S]) may(op ir.Op, m lane[U, S]) bool {
	switch op {
	case ir.OpUlt:
		return l.Min < m.Max
	case ir.OpUle:
		return l.Min <= m.Max
	case ir.OpSlt:
		return l.SMin < m.SMax
	case ir.OpSle:
		return l.SMin <= m.SMax
	}
	return m.may(op.Swapped(), l)
}

// below narrows l and m to where l is below m, or equal.
func (l lane[U, S]) below(op ir.Op, m lane[U, S]) (lane[U, S], lane[U, S]) {
	switch op {
	case ir.OpUlt:
		l.Max, m.Min = min(l.Max, m.Max-1), max(l.Min+1, m.Min)
	case ir.OpUle:
		l.Max, m.Min = min(l.Max, m.Max), max(l.Min, m.Min)
	case ir.OpSlt:
		l.SMax, m.SMin = min(l.SMax, m.SMax-1), max(l.SMin+1, m.SMin)
	case ir.OpSle:
		l.SMax, m.SMin = min(l.SMax, m.SMax), max(l.SMin, m.SMin)
	}
	return l, m
}

// without is l less x, where x is at an end.
func (l lane[U, S]) without(x U) lane[U, S] {
	if l.Min == x {
		l.Min++
	}
	if l.Max == x {
		l.Max--
	}
	if l.SMin == S(x) {
		l.SMin++
	}
	if l.SMax == S(x) {
		l.SMax--
	}
	return l
}

// Refine gives what is left of a and b on the edge where cmp of size bytes
// holds between them; ok is false if nothing can take the edge.
func Refine(cmp ir.Op, size uint8, a, b Num) (x, y Num, ok bool) {
	w := uint(size) * 8
	if yes, _ := possible(cmp, w, a, b); !yes {
		return a, b, false
	}
	if w < 32 {
		return a, b, true
	}
	x, y = a, b
	mask := ^uint64(0)
	if w == 32 {
		mask = math.MaxUint32
	}
	switch cmp {
	case ir.OpEq:
		x.Low = a.Low.meet(b.Low)
		y.Low = x.Low
		if w == 64 {
			x.wide = a.wide.meet(b.wide)
			y.wide = x.wide
		}
		x.know(b.Bits&mask, b.Unknown|^mask)
		y.know(a.Bits&mask, a.Unknown|^mask)
	case ir.OpNe:
		if b.Unknown&mask != 0 {
			if a.Unknown&mask != 0 {
				return a, b, true
			}
			y, x, ok = Refine(cmp, size, b, a)
			return x, y, ok
		}
		if w == 32 {
			x.Low = a.Low.without(uint32(b.Bits))
		} else {
			x.wide = a.wide.without(b.Bits)
		}
	case ir.OpUlt, ir.OpUle, ir.OpSlt, ir.OpSle:
		if w == 32 {
			x.Low, y.Low = a.Low.below(cmp, b.Low)
		} else {
			x.wide, y.wide = a.wide.below(cmp, b.wide)
		}
	case ir.OpUgt, ir.OpUge, ir.OpSgt, ir.OpSge:
		y, x, ok = Refine(cmp.Swapped(), size, b, a)
		return x, y, ok
	case ir.OpTest:
		if b.Unknown&mask != 0 {
			if a.Unknown&mask != 0 {
				return a, b, true
			}
			y, x, ok = Refine(cmp, size, b, a)
			return x, y, ok
		}
		if m := b.Bits & mask; bits.OnesCount64(m) == 1 {
			x.know(m, ^m)
		}
	}
	x.sane()
	y.sane()
	return x, y, true
}

// sane settles n; where the steps of the verifier find nothing in it, it
// goes on with any number that has the bits.
func (n *Num) sane() {
	if !n.settle() {
		n.wide, n.Low = anyWide, anyLow
	}
}

// RefineNot is Refine for the edge where cmp does not hold.
func RefineNot(cmp ir.Op, size uint8, a, b Num) (x, y Num, ok bool) {
	if neg, has := cmp.Negated(); has {
		return Refine(neg, size, a, b)
	}
	w := uint(size) * 8
	if _, no := possible(cmp, w, a, b); !no {
		return a, b, false
	}
	mask := ^uint64(0)
	if w < 64 {
		mask = 1<<w - 1
	}
	if w < 32 {
		return a, b, true
	}
	switch { // the ranges are forgotten
	case b.Unknown&mask == 0:
		a.wide, a.Low = anyWide, anyLow
		a.know(0, ^(b.Bits & mask))
		a.sane()
		return a, b, true
	case a.Unknown&mask == 0:
		b.wide, b.Low = anyWide, anyLow
		b.know(0, ^(a.Bits & mask))
		b.sane()
		return a, b, true
	}
	return a, b, true
}

func signedCompare(op ir.Op) bool {
	return op == ir.OpSlt || op == ir.OpSle || op == ir.OpSgt || op == ir.OpSge
}
