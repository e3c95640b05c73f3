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
		x := b.Term.Args[0]
		k := x.String()
		n, isConst := x.IsConst()
		if isConst {
			k = fmt.Sprint("#", n)
		}
		if old := first[k]; old != nil {
			replace[b] = old
			continue
		}
		first[k] = b
		if isConst && !slices.Contains(b.Values, x) { // it must reach from wherever the others did
			own := f.NewValue(ir.OpConst, x.Pos)
			own.Aux = n
			b.Insert(0, own)
			b.Term.Args = []*ir.Value{own}
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
	preds := f.Preds()
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
