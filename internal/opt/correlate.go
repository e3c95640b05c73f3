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
	preds := dom.Preds
	changed := false
	for _, b := range f.Blocks {
		x, c, ok := tested(b)
		if !ok || !dom.Reachable(b) {
			continue
		}
		take := -1
		if x.Op == ir.OpCall && x.Sym == ir.NeverNull && c == 0 && b.Term.Size == 8 {
			take = outcome(ir.OpNe, 0, true, b.Term.Cmp, c, b.Term.Size)
		}
		for s := b; take < 0 && s != f.Blocks[0]; s = dom.Idom(s) {
			ps := preds[s.ID]
			if len(ps) != 1 {
				continue
			}
			p := ps[0]
			y, k, ok := tested(p)
			if !ok || y != x || p.Term.Size != b.Term.Size || p.Succs[0].To == p.Succs[1].To {
				continue
			}
			take = outcome(p.Term.Cmp, k, p.Succs[0].To == s, b.Term.Cmp, c, b.Term.Size)
		}
		if take >= 0 {
			b.Succs = []ir.Edge{b.Succs[take]}
			b.Term = f.NewValue(ir.OpJump, b.Term.Pos)
			changed = true
		}
	}
	return changed
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
