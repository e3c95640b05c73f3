package opt

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// combine compares pieces of memory that stand side by side as one, where all
// must be equal to constants:
//
//	br ne (load.1 p+0) 0x62 b9 b1; b1: br ne (load.1 p+1) 0x61 b9 b2
//	=>   br ne (load.2 p+0) 0x6162 b9 b2
//
// Three bytes take the one before with them:
//
//	br ne (load.2 p+12) 8 b9 b1; b1: br ne (load.1 p+14) 0x45 b9 b2
//	=>   br ne (and (load.4 p+11) 0xffffff00) 0x45000800 b9 b2
//
// Numbers in memory are little endian, as in every object.
func combine(f *ir.Func, c *Config) bool {
	preds := f.Preds()
	count := useCounts(f)
	gone := map[*ir.Block]bool{}
	for before := -1; before < len(gone); { // pairs, then pairs of them
		before = len(gone)
		for _, b := range f.Blocks {
			for !gone[b] && joinNext(f, c, b, preds, &count, gone) {
			}
		}
	}
	f.Blocks = slices.DeleteFunc(f.Blocks, func(b *ir.Block) bool { return gone[b] })
	return len(gone) > 0
}

// joinNext takes the comparison of the next block into that of b.
func joinNext(f *ir.Func, c *Config, b *ir.Block, preds [][]*ir.Block, count *[]int32, gone map[*ir.Block]bool) bool {
	x, ok := comparedLoad(b)
	if !ok {
		return false
	}
	next := b.Succs[x.same].To
	y, ok := comparedLoad(next)
	if !ok || next == b || len(preds[next.ID]) != 1 || len(next.Params) > 0 || !sameEdge(b.Succs[1-x.same], next.Succs[1-y.same]) {
		return false
	}
	three := !joinable(f, c, &x, &y)
	if three && !makeThree(c, &x, &y) || (*count)[x.v.ID] != 1 || (*count)[y.v.ID] != 1 || !onlyLoad(next, y.v) || writesBehind(b, x.v) {
		return false
	}
	// The wide load stands where the first was.
	low, high := x, y
	if y.off < x.off {
		low, high = y, x
	}
	n := uint64(low.c) | uint64(high.c)<<(8*low.v.Size)
	from, size := low.off, 2*x.v.Size
	if three {
		n, from, size = n<<8, from-1, 4
	}
	k := f.Const(int64(n), b.Term.Pos)
	x.v.Aux += from - x.off
	x.v.Size = size
	for _, v := range next.Values {
		if v != y.v {
			b.Append(v)
		}
	}
	whole := x.v
	if three {
		mask := f.Const(0xffffff00, b.Term.Pos)
		whole = f.NewValue(ir.OpAnd, b.Term.Pos, x.v, mask)
		b.Append(mask)
		b.Append(whole)
	}
	b.Append(k)
	for len(*count) < f.NumValues() {
		*count = append(*count, 1)
	}
	b.Term.Args, b.Term.Size = []*ir.Value{whole, k}, 8
	on := next.Succs[y.same]
	for _, e := range next.Succs {
		ps := preds[e.To.ID][:0]
		for _, p := range preds[e.To.ID] {
			switch {
			case p != next:
				ps = append(ps, p)
			case e.To == on.To:
				ps = append(ps, b)
			}
		}
		preds[e.To.ID] = ps
	}
	b.Succs[x.same] = on
	gone[next] = true
	return true
}

// A piece is a load that a branch compares with a constant.
type piece struct {
	place
	v    *ir.Value
	c    int64
	same int // the way where they are equal
}

func comparedLoad(b *ir.Block) (p piece, ok bool) {
	t := b.Term
	if t.Op != ir.OpBr || t.Cmp != ir.OpEq && t.Cmp != ir.OpNe || t.HasImm || len(t.Args) != 2 || b.Succs[0].To == b.Succs[1].To {
		return p, false
	}
	p.v = t.Args[0]
	p.c, ok = t.Args[1].IsConst()
	if !ok || p.v.Op != ir.OpLoad || p.v.Type != ir.Scalar || p.v.Core != "" || p.v.Size > 2 || t.Size < 4 || uint64(p.c) != ir.Trunc(uint64(p.c), uint(p.v.Size)*8) {
		return p, false
	}
	if t.Cmp == ir.OpNe {
		p.same = 1
	}
	p.place = placeOf(p.v)
	return p, slices.Contains(b.Values, p.v)
}

// joinable reports whether x and y may be one load.
func joinable(f *ir.Func, c *Config, x, y *piece) bool {
	low := x.place
	low.off = min(x.off, y.off)
	return x.v.Size == y.v.Size && x.slot == y.slot && x.base == y.base && beside(x.off, y.off, x.v.Size) && aligned(f, c, low, 2*x.v.Size)
}

// makeThree reports whether x and y are three bytes side by side, with one
// before them that may be read too.
func makeThree(c *Config, x, y *piece) bool {
	low, high := x, y
	if y.off < x.off {
		low, high = y, x
	}
	if x.slot != 0 || y.slot != 0 || x.base != y.base || x.v.Size+y.v.Size != 3 || high.off != low.off+int64(low.v.Size) || low.off < 1 {
		return false
	}
	return c.Unaligned && (x.base.Type == ir.PtrPacket || x.base.Type == ir.PtrValue)
}

// onlyLoad reports whether b computes nothing but v, and constants.
func onlyLoad(b *ir.Block, v *ir.Value) bool {
	for _, w := range b.Values {
		if w != v && w.Op != ir.OpConst && !(w.Op.Pure() && w.Type != ir.Scalar) {
			return false
		}
	}
	return true
}

// writesBehind reports whether memory may change between v and the end of b.
func writesBehind(b *ir.Block, v *ir.Value) bool {
	seen := false
	for _, w := range b.Values {
		if seen && w.Op.Writes() {
			return true
		}
		seen = seen || w == v
	}
	return false
}
