package facts

import "github.com/whistler-lang/whistler/internal/ir"

// compare reports whether a comparison of x and y can hold and can fail.
func (a *analysis) compare(cmp ir.Op, size uint8, x, y *Val) (can, cannot bool) {
	switch {
	case x.numeric() && y.numeric():
		if x.Sym != 0 && x.Sym == y.Sym && x.Off == y.Off && size == 8 && cmp != ir.OpTest {
			holds := cmp.Eval(8, 1, 1) != 0
			return holds, !holds
		}
		w := uint(size) * 8
		return possible(cmp, w, x.Num.trunc(w), y.Num.trunc(w))
	case x.Class == Pointer && (y.isConst(0) || y.Class == Pointer && y.Null == IsNull):
		if size == 8 && x.Null != MayBeNull {
			n := uint64(1) // any number but 0 compares as a pointer does with 0, signs aside
			if x.Null == IsNull {
				n = 0
			}
			switch cmp {
			case ir.OpEq, ir.OpNe, ir.OpUgt, ir.OpUlt, ir.OpUge, ir.OpUle:
				holds := cmp.Eval(8, n, 0) != 0
				return holds, !holds
			}
		}
	case y.Class == Pointer && x.isConst(0) && cmp != ir.OpTest:
		return a.compare(cmp.Swapped(), size, y, x)
	case size == 8 && x.Class == Pointer && y.Class == Pointer:
		if obj, off, fits, ok := limit(cmp, x, y); ok {
			p := a.st.packet(obj)
			if fits {
				return off < p.hi, off > p.lo
			}
			return off > p.lo, off < p.hi
		}
	}
	return true, true
}

// limit reads a comparison of a packet pointer with the packet's end (or of
// a metadata pointer with the packet's start): whether `off` bytes behind obj
// are there. fits says that they are when the comparison holds, otherwise
// they are when it fails.
func limit(cmp ir.Op, x, y *Val) (obj int32, off int64, fits, ok bool) {
	if isEnd(x, y) {
		x, y, cmp = y, x, cmp.Swapped()
	}
	if !isEnd(y, x) {
		return 0, 0, false, false
	}
	switch cmp {
	case ir.OpUle, ir.OpUgt: // x <= end: all before x is there
		return x.Obj, x.Off, cmp == ir.OpUle, true
	case ir.OpUlt, ir.OpUge: // x < end: the byte at x is there too
		return x.Obj, x.Off + 1, cmp == ir.OpUlt, true
	}
	return 0, 0, false, false
}

// isEnd reports whether y ends the memory that x points into.
func isEnd(y, x *Val) bool {
	if x.Class != Pointer || y.Class != Pointer || y.Off != 0 {
		return false
	}
	return x.Space == ir.PtrPacket && y.Space == ir.PtrEnd || x.Space == ir.PtrMeta && y.Space == ir.PtrPacket && y.Obj == objPacket
}

// assume takes from a state what contradicts a comparison that holds, or
// fails; false means that nothing is left.
func (s *state) assume(cmp ir.Op, size uint8, x, y Val, holds bool) bool {
	switch {
	case x.numeric() && y.numeric():
		refine := Refine
		if !holds {
			refine = RefineNot
		}
		nx, ny, ok := refine(cmp, size, x.Num, y.Num)
		if !ok {
			return false
		}
		narrow := size < 8 && (x.Num.Max>>(8*uint(size)) != 0 || y.Num.Max>>(8*uint(size)) != 0)
		return s.learn(&x, nx, narrow) && s.learn(&y, ny, narrow)
	case x.Class == Pointer && x.Null == MayBeNull && y.isConst(0):
		s.nullTest(cmp, size, &x, holds)
	case y.Class == Pointer && y.Null == MayBeNull && x.isConst(0):
		s.nullTest(cmp.Swapped(), size, &y, holds)
	case x.Class == Pointer && y.Class == Pointer && size == 8:
		equal := cmp == ir.OpEq && holds || cmp == ir.OpNe && !holds
		if equal && x.Null == NotNull {
			s.settleNull(&y, false)
		} else if equal && y.Null == NotNull {
			s.settleNull(&x, false)
		}
		if obj, off, fits, ok := limit(cmp, &x, &y); ok {
			p := s.packet(obj)
			if fits == holds {
				p.lo = max(p.lo, off)
			} else {
				p.hi = min(p.hi, off)
			}
			s.setPacket(p)
		}
	}
	return true
}

// learn narrows x, and all values that differ from it by a constant.
func (s *state) learn(x *Val, n Num, vague bool) bool {
	if x.Sym == 0 {
		return true
	}
	for i := range s.vals {
		y := &s.vals[i]
		if !y.numeric() || y.Sym != x.Sym {
			continue
		}
		m := n
		if y.Off != x.Off {
			m = add(n, Just(uint64(y.Off-x.Off)))
		}
		m, ok := y.Num.Meet(m)
		if !ok {
			return false
		}
		y.Num = m
		if vague { // the verifier has learnt something about the low bits
			y.Trust = Doubtful
		}
		if _, isConst := m.Const(); isConst {
			*y = number(m, y.Trust)
		}
	}
	return true
}

// nullTest learns from a comparison of x with 0.
func (s *state) nullTest(cmp ir.Op, size uint8, x *Val, holds bool) {
	if size != 8 {
		return
	}
	null := cmp.Eval(8, 0, 0) != 0 // it holds for null
	other := cmp.Eval(8, 1, 0) != 0
	switch cmp {
	case ir.OpEq, ir.OpNe, ir.OpUgt, ir.OpUle:
	default:
		return
	}
	if null != other {
		s.settleNull(x, null == holds)
	}
}

// settleNull says of all pointers to x's object whether they are null.
func (s *state) settleNull(x *Val, null bool) {
	if x.Obj == 0 {
		return
	}
	for i := range s.vals {
		y := &s.vals[i]
		if y.Class == Pointer && y.Obj == x.Obj && y.Null == MayBeNull {
			if y.Null = NotNull; null {
				y.Null = IsNull
			}
		}
	}
	if null && x.Ref == x.Obj {
		s.drop(x.Ref) // what was not acquired need not be released
	}
}
