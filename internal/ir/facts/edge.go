package facts

import "github.com/whistler-lang/whistler/internal/ir"

// maxPacket is how far behind a packet's pointer comparisons reach
// (MAX_PACKET_OFF of kernel/bpf/verifier.c).
const maxPacket = 0xffff

// compare reports whether a comparison of x and y can hold and can fail.
func (a *analysis) compare(cmp ir.Op, size uint8, x, y *Val) (can, cannot bool) {
	switch {
	case x.numeric() && y.numeric():
		return possible(cmp, uint(size)*8, x.Num, y.Num)
	case x.Class == Pointer && y.isConst(0):
		if size == 8 && x.Null != MayBeNull && (cmp == ir.OpEq || cmp == ir.OpNe) {
			holds := (cmp == ir.OpEq) == (x.Null == IsNull)
			return holds, !holds
		}
	case y.Class == Pointer && x.isConst(0) && cmp != ir.OpTest:
		return a.compare(cmp.Swapped(), size, y, x)
	case size == 8 && x.Class == Pointer && y.Class == Pointer:
		if y.Space != ir.PtrEnd {
			x, y, cmp = y, x, cmp.Swapped()
		}
		if y.Space != ir.PtrEnd || !x.Space.IsPacket() || x.Range >= 0 {
			break
		}
		switch {
		case x.Range == beyondEnd && (cmp == ir.OpUle || cmp == ir.OpUgt):
			return cmp == ir.OpUgt, cmp != ir.OpUgt
		case cmp == ir.OpUlt || cmp == ir.OpUge:
			return cmp == ir.OpUge, cmp != ir.OpUge
		}
	}
	return true, true
}

// limit reads a comparison of a packet pointer with the packet's end (or of
// a metadata pointer with the packet's start): p is the pointer, and how many
// bytes before what it points to are there: those before it, and one more if
// more is set. fits says that they are when the comparison holds, otherwise
// they are when it fails.
func limit(cmp ir.Op, x, y *Val) (p *Val, more, fits, ok bool) {
	if isEnd(x, y) {
		x, y, cmp = y, x, cmp.Swapped()
	}
	if !isEnd(y, x) {
		return nil, false, false, false
	}
	switch cmp {
	case ir.OpUle, ir.OpUgt: // x <= end: all before x is there
		return x, false, cmp == ir.OpUle, true
	case ir.OpUlt, ir.OpUge: // x < end: the byte at x is there too
		return x, true, cmp == ir.OpUlt, true
	}
	return nil, false, false, false
}

// isEnd reports whether y ends the memory that x points into.
func isEnd(y, x *Val) bool {
	if x.Class != Pointer || y.Class != Pointer {
		return false
	}
	return x.Space == ir.PtrPacket && y.Space == ir.PtrEnd || x.Space == ir.PtrMeta && y.Space == ir.PtrPacket && y.Obj == objPacket && y.Off == 0
}

// assume takes from a state what contradicts the comparison w.test, which is of
// x and y, if it holds or if it fails; false means that nothing is left. ids
// names the values of the state.
func (a *analysis) assume(s *state, ids []int32, w *passage, cmp ir.Op, size uint8, x, y *Val, holds bool) bool {
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
		links := len(a.links)
		a.learn(s, ids, w, y, ny)
		a.learn(s, ids, w, x, nx)
		if len(a.links) > links {
			a.links = append(a.links, -1)
			w.linked = int32(links) + 1
		}
	case x.Class == Pointer && x.Null == MayBeNull && y.isConst(0):
		s.nullTest(cmp, size, x, holds)
	case y.Class == Pointer && y.Null == MayBeNull && x.isConst(0):
		s.nullTest(cmp.Swapped(), size, y, holds)
	case x.Class == Pointer && y.Class == Pointer && size == 8:
		equal := cmp == ir.OpEq && holds || cmp == ir.OpNe && !holds
		if equal && x.Null == NotNull {
			s.settleNull(y, false)
		} else if equal && y.Null == NotNull {
			s.settleNull(x, false)
		}
		if p, more, fits, ok := limit(cmp, x, y); ok && fits == holds {
			s.reach(p, more)
		}
	}
	return true
}

// each calls f with all values of the state, those on the stack included.
func (s *state) each(f func(*Val)) {
	for i := range s.vals {
		f(&s.vals[i])
	}
	s.eachWord(f)
}

// eachWord calls f with all values on the stack.
func (g *globals) eachWord(f func(*Val)) {
	if len(g.stack) == 0 {
		return
	}
	h := g.own()
	for i := range h.stack {
		if h.stack[i].size > 0 {
			f(&h.stack[i].val)
		}
	}
}

// reach notes that the bytes before p, and one more, are in the packet.
func (s *state) reach(p *Val, more bool) {
	if p.Off < 0 || p.Off == 0 && more || p.Num.Max > maxPacket || p.Num.Max+uint64(p.Off) > maxPacket {
		return // the verifier does not follow it
	}
	n := int32(p.Off)
	if more {
		n++
	}
	s.each(func(y *Val) {
		if y.Class == Pointer && y.Space == p.Space && y.Obj == p.Obj {
			y.Range = max(y.Range, n)
		}
	})
}

// beyond notes that what test compares points behind the packet, where it does
// when test holds, or fails. The verifier does so of what was compared only.
// It gives the value of which it does, nil if of none, and its range before.
func (a *analysis) beyond(cmp ir.Op, test *ir.Value, x, y *Val, holds bool) (of *Val, old int32) {
	p, more, fits, ok := limit(cmp, x, y)
	if !ok || fits == holds || p.Space != ir.PtrPacket {
		return nil, 0
	}
	i := 0
	if p == y {
		i = 1
	}
	v := operand(test.Args[i])
	if v == nil || !a.need[v.ID] {
		return nil, 0
	}
	of = &a.vals[v.ID]
	old = of.Range
	if of.Range = beyondEnd; more {
		of.Range = atEnd
	}
	return of, old
}

// learn narrows x, and all values that differ from it by a constant.
func (a *analysis) learn(s *state, ids []int32, w *passage, x *Val, n Num) {
	if x.Sym == 0 || n.is(&x.Num) {
		return
	}
	narrow := func(y *Val) bool {
		if !y.numeric() || y.Sym != x.Sym {
			return false
		}
		if y.Num = n; y.Off != x.Off {
			y.Num = add(n, Just(uint64(y.Off-x.Off)))
			y.Num.settle()
		}
		if _, isConst := y.Num.Const(); isConst && y.Class == Number {
			*y = number(y.Num, y.Trust)
		}
		return true
	}
	for i := range s.vals {
		if narrow(&s.vals[i]) {
			a.links = append(a.links, ids[i])
		}
	}
	s.eachWord(func(y *Val) {
		if narrow(y) {
			a.compared(w.test)
		}
	})
}

// nullTest learns from a comparison of x with 0.
func (s *state) nullTest(cmp ir.Op, size uint8, x *Val, holds bool) {
	if size == 8 && (cmp == ir.OpEq || cmp == ir.OpNe) {
		s.settleNull(x, (cmp == ir.OpEq) == holds)
	}
}

// settleNull says of all pointers to x's object whether they are null.
func (s *state) settleNull(x *Val, null bool) {
	if x.Obj == 0 {
		return
	}
	s.each(func(y *Val) {
		if y.Class == Pointer && y.Obj == x.Obj && y.Null == MayBeNull {
			if y.Null = NotNull; null {
				y.Null = IsNull
			}
		}
	})
	if null && x.Ref == x.Obj {
		s.drop(x.Ref) // what was not acquired need not be released
	}
}
