package opt

import "github.com/whistler-lang/whistler/internal/ir"

// correlate decides branches that a branch before has decided already: a
// block that is only reached along one edge of a test knows its outcome.
//
//	br ne v5 0 b1 b2; b1: br ne v5 0 b3 b4   =>   b1: jump b3
func correlate(f *ir.Func, _ *Config) bool {
	tests := false
	for _, b := range f.Blocks {
		_, _, ok := tested(b)
		tests = tests || ok
	}
	if !tests {
		return false
	}
	dom := ir.Dominators(f)
	take := make([]int8, f.NumBlocks()) // the side that b takes, and 1; 0 if it may be either
	known := outcomes{dom: dom, same: map[test]int32{}, equal: map[test]int32{}, all: make([]outcomeAt, 1, len(f.Blocks)+1)}
	for _, s := range dom.Preorder() {
		if ps := dom.Preds[s.ID]; len(ps) == 1 && take[ps[0].ID] == 0 {
			known.add(ps[0], s)
		}
		x, c, ok := tested(s)
		if !ok {
			continue
		}
		side := -1
		if x.Op == ir.OpCall && x.Sym == ir.NeverNull && c == 0 && s.Term.Size == 8 {
			side = outcome(ir.OpNe, 0, true, s.Term.Cmp, c, s.Term.Size)
		}
		if side < 0 {
			side = known.decide(s, x, c)
		}
		take[s.ID] = int8(side + 1)
	}
	changed := false
	for _, b := range f.Blocks {
		if side := take[b.ID]; side > 0 {
			b.Succs = []ir.Edge{b.Succs[side-1]}
			b.Term = f.NewValue(ir.OpJump, b.Term.Pos)
			changed = true
		}
	}
	return changed
}

// A test is a comparison of a value of some width with a constant.
type test struct {
	x    int
	size uint8
	c    int64
}

// An outcomeAt is what a block knows of a test that leads to it only.
type outcomeAt struct {
	at    *ir.Block // the outcome holds in what this dominates
	cmp   ir.Op
	holds bool
	c     int64
	outer int32 // the next one around this
}

// outcomes are the tests that are decided where a walk over the dominator
// tree has come to. They are named by their places in all; 0 is none.
type outcomes struct {
	dom   *ir.DomTree
	all   []outcomeAt
	same  map[test]int32
	equal map[test]int32 // of any constant (c is 0 in the key): x is known
}

// add notes what the branch of p says in s, which it alone leads to.
func (o *outcomes) add(p, s *ir.Block) {
	x, c, ok := tested(p)
	if !ok || p.Succs[0].To == p.Succs[1].To {
		return
	}
	now := outcomeAt{at: s, cmp: p.Term.Cmp, c: c, holds: p.Succs[0].To == s}
	put := func(table map[test]int32, k test) {
		now.outer = o.top(table, k, s)
		table[k] = int32(len(o.all))
		o.all = append(o.all, now)
	}
	put(o.same, test{x.ID, p.Term.Size, c})
	if now.cmp == ir.OpEq && now.holds || now.cmp == ir.OpNe && !now.holds {
		put(o.equal, test{x.ID, p.Term.Size, 0})
	}
}

// top is the innermost outcome under k that holds in b: those whose blocks do
// not dominate b have been left for good.
func (o *outcomes) top(table map[test]int32, k test, b *ir.Block) int32 {
	n := table[k]
	first := n
	for n != 0 && !o.dom.Dominates(o.all[n].at, b) {
		n = o.all[n].outer
	}
	if n != first {
		table[k] = n
	}
	return n
}

// decide is the side that b's test of x against c takes, -1 if it may be
// either. The innermost outcome that decides it counts.
func (o *outcomes) decide(b *ir.Block, x *ir.Value, c int64) int {
	k := test{x.ID, b.Term.Size, c}
	for n := o.top(o.same, k, b); n != 0; n = o.all[n].outer {
		same := &o.all[n]
		if side := outcome(same.cmp, same.c, same.holds, b.Term.Cmp, c, b.Term.Size); side >= 0 {
			return side
		}
	}
	k.c = 0
	if n := o.top(o.equal, k, b); n != 0 {
		equal := &o.all[n]
		return outcome(equal.cmp, equal.c, equal.holds, b.Term.Cmp, c, b.Term.Size)
	}
	return -1
}

// tested is the value and the constant that b's branch compares.
func tested(b *ir.Block) (x *ir.Value, c int64, ok bool) {
	t := b.Term
	if t.Op != ir.OpBr || t.Cmp == ir.OpTest {
		return nil, 0, false
	}
	if t.HasImm {
		c, ok = t.Imm, true
	} else {
		c, ok = t.Args[1].IsConst()
	}
	for x = t.Args[0]; x.Op == ir.OpCopy; {
		x = x.Args[0]
	}
	return x, c, ok
}

// outcome is the side that a test of x against c takes where the test of x
// against k is known to hold or not; -1 if it may be either.
func outcome(known ir.Op, k int64, holds bool, cmp ir.Op, c int64, size uint8) int {
	if !holds {
		var ok bool
		if known, ok = known.Negated(); !ok {
			return -1
		}
	}
	side := func(yes bool) int {
		if yes {
			return 0
		}
		return 1
	}
	if known == ir.OpEq {
		return side(cmp.Eval(size, uint64(k), uint64(c)) != 0)
	}
	if k != c {
		return -1
	}
	if known == cmp {
		return 0
	}
	if not, ok := cmp.Negated(); ok && not == known {
		return 1
	}
	return -1
}
