package opt

import (
	"fmt"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// returns makes one block of those that return the same constant or value
// and do nothing else, and sends edges with constant arguments to a block
// that only returns straight to such a one.
func returns(f *ir.Func, _ *Config) bool {
	changed := false
	first := map[string]*ir.Block{}
	replace := map[*ir.Block]*ir.Block{}
	for _, b := range f.Blocks {
		if b.Term.Op != ir.OpRet || len(b.Params) > 0 || b == f.Blocks[0] {
			continue
		}
		only := true
		for _, v := range b.Values {
			only = only && v.Op == ir.OpConst
		}
		if !only {
			continue
		}
		k := b.Term.Args[0].String()
		if n, ok := b.Term.Args[0].IsConst(); ok {
			k = fmt.Sprint("#", n)
		}
		if old := first[k]; old != nil {
			replace[b] = old
			ownConst(f, old)
		} else {
			first[k] = b
		}
	}
	for _, b := range f.Blocks {
		for k := range b.Succs {
			if to := replace[b.Succs[k].To]; to != nil {
				b.Succs[k].To = to
				changed = true
			}
		}
	}
	if changed {
		dce(f, nil)
	}
	return changed
}

// ownConst makes the constant that b returns in b itself: the blocks that
// come to it now need not pass where it was made.
func ownConst(f *ir.Func, b *ir.Block) {
	c := b.Term.Args[0]
	n, ok := c.IsConst()
	if !ok || slices.Contains(b.Values, c) {
		return
	}
	v := f.Const(n, c.Pos)
	b.Values = append(b.Values, v)
	b.Term.Args[0] = v
}

// critical puts a block on every edge that carries arguments out of a
// branch, so that the moves have a place.
func critical(f *ir.Func, _ *Config) bool {
	for _, b := range append([]*ir.Block(nil), f.Blocks...) {
		if len(b.Succs) < 2 {
			continue
		}
		for k := range b.Succs {
			e := b.Succs[k]
			if len(e.Args) == 0 {
				continue
			}
			mid := f.NewBlock()
			mid.Term = f.NewValue(ir.OpJump, b.Term.Pos)
			mid.Succs = []ir.Edge{e}
			b.Succs[k] = ir.Edge{To: mid}
		}
	}
	return true
}

// depth counts the loops around each block: a loop is an edge to a block
// that dominates it, and what can reach that edge.
func depth(f *ir.Func, _ *Config) bool {
	dom := ir.Dominators(f)
	preds := dom.Preds
	for _, b := range f.Blocks {
		b.Depth = 0
	}
	body := map[*ir.Block]map[*ir.Block]bool{}
	for _, b := range dom.RPO {
		for _, e := range b.Succs {
			if !dom.Dominates(e.To, b) {
				continue
			}
			in := body[e.To]
			if in == nil {
				in = map[*ir.Block]bool{e.To: true}
				body[e.To] = in
			}
			work := []*ir.Block{b}
			for len(work) > 0 {
				x := work[len(work)-1]
				work = work[:len(work)-1]
				if !in[x] {
					in[x] = true
					work = append(work, preds[x.ID]...)
				}
			}
		}
	}
	for _, in := range body {
		for b := range in {
			b.Depth++
		}
	}
	return true
}
