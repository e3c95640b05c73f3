package opt

import "github.com/whistler-lang/whistler/internal/ir"

// branch simplifies the flow between blocks:
//
//	v1 = ult a b; br ne v1 0   =>   br ult a b
//	br on a constant           =>   jump
//	jump to a block that only branches on a parameter given a constant
//	                           =>   jump to where that goes
//	a block with one predecessor that only jumps to it joins it
func branch(f *ir.Func, _ *Config) bool {
	changed := false
	for _, b := range f.Blocks {
		changed = condition(b) || changed
		changed = constantBranch(f, b) || changed
	}
	changed = thread(f) || changed
	changed = join(f) || changed
	return changed
}

// condition takes a comparison into the branch that tests it.
func condition(b *ir.Block) bool {
	t := b.Term
	changed := false
	for t.Op == ir.OpBr && (t.Cmp == ir.OpNe || t.Cmp == ir.OpEq) && t.Size == 8 && len(t.Args) == 2 {
		c, isConst := t.Args[1].IsConst()
		v := t.Args[0]
		for v.Op == ir.OpCopy {
			v = v.Args[0]
		}
		if !isConst || !v.Op.Compares() || v.HasImm || c != 0 && c != 1 {
			break
		}
		if (t.Cmp == ir.OpEq) == (c == 0) { // true when the comparison is false
			b.Succs[0], b.Succs[1] = b.Succs[1], b.Succs[0]
		}
		t.Cmp, t.Size, t.Args = v.Op, v.Size, append([]*ir.Value(nil), v.Args...)
		changed = true
	}
	return changed
}

// constantBranch makes a jump of a branch that always goes one way.
func constantBranch(f *ir.Func, b *ir.Block) bool {
	t := b.Term
	if t.Op != ir.OpBr {
		return false
	}
	take := -1
	if len(t.Args) == 2 {
		x, ok1 := t.Args[0].IsConst()
		y, ok2 := t.Args[1].IsConst()
		if ok1 && ok2 {
			take = 1 - int(t.Cmp.Eval(t.Size, uint64(x), uint64(y)))
		}
	}
	if take < 0 && sameEdge(b.Succs[0], b.Succs[1]) {
		take = 0
	}
	if take < 0 {
		return false
	}
	b.Succs = []ir.Edge{b.Succs[take]}
	b.Term = f.NewValue(ir.OpJump, t.Pos)
	return true
}

func sameEdge(a, b ir.Edge) bool {
	if a.To != b.To || len(a.Args) != len(b.Args) {
		return false
	}
	for i := range a.Args {
		x, ok1 := a.Args[i].IsConst()
		y, ok2 := b.Args[i].IsConst()
		if a.Args[i] != b.Args[i] && !(ok1 && ok2 && x == y) {
			return false
		}
	}
	return true
}

// thread sends edges past blocks that compute nothing.
func thread(f *ir.Func) bool {
	changed := false
	// Blocks with values that something outside of them uses: going around
	// such a block would leave the use without its definition.
	home := make([]*ir.Block, f.NumValues())
	outside := make([]bool, f.NumBlocks())
	for _, b := range f.Blocks {
		for _, p := range b.Params {
			home[p.ID] = b
		}
		for _, v := range b.Values {
			home[v.ID] = b
		}
	}
	users := map[*ir.Block][]*ir.Block{}
	for _, b := range f.Blocks {
		b.Uses(func(p **ir.Value) {
			if h := home[(*p).ID]; h != nil && h != b {
				outside[h.ID] = true
				if us := users[h]; len(us) == 0 || us[len(us)-1] != b {
					users[h] = append(us, b)
				}
			}
		})
	}
	var dom *ir.DomTree
	// Uses behind the way not taken, which only leads on from b, keep their
	// definition. Going around blocks does not end dominance, so that dom,
	// made before, serves all along.
	kept := func(b, other *ir.Block) bool {
		if dom == nil {
			dom = ir.Dominators(f)
		}
		n := 0
		for _, p := range f.Blocks {
			for _, e := range p.Succs {
				if e.To == other {
					n++
				}
			}
		}
		if n != 1 || !dom.Reachable(b) {
			return false
		}
		for _, u := range users[b] {
			if !dom.Dominates(other, u) {
				return false
			}
		}
		return true
	}
	for _, b := range f.Blocks {
		for k := range b.Succs {
			for n := 0; n < 50; n++ {
				to, ok := skip(b.Succs[k], b, outside, kept)
				if !ok {
					break
				}
				b.Succs[k] = to
				changed = true
			}
		}
	}
	return changed
}

// skip gives the edge that means the same as e without going through e.To.
func skip(e ir.Edge, from *ir.Block, outside []bool, kept func(b, other *ir.Block) bool) (ir.Edge, bool) {
	b := e.To
	if b == from || outside[b.ID] && b.Term.Op != ir.OpBr {
		return e, false
	}
	for _, v := range b.Values {
		if v.Op != ir.OpConst {
			return e, false
		}
	}
	arg := func(v *ir.Value) *ir.Value {
		for i, p := range b.Params {
			if p == v {
				return e.Args[i]
			}
		}
		return v
	}
	take := 0
	switch b.Term.Op {
	case ir.OpJump:
	case ir.OpBr:
		if len(b.Term.Args) != 2 {
			return e, false
		}
		x, ok1 := arg(b.Term.Args[0]).IsConst()
		y, ok2 := arg(b.Term.Args[1]).IsConst()
		if !ok1 || !ok2 {
			return e, false
		}
		take = 1 - int(b.Term.Cmp.Eval(b.Term.Size, uint64(x), uint64(y)))
	default:
		return e, false
	}
	next := b.Succs[take]
	if outside[b.ID] && (next.To == b.Succs[1-take].To || !kept(b, b.Succs[1-take].To)) {
		return e, false
	}
	if next.To == b || len(b.Values) > 0 && usesValues(b, next) {
		return e, false
	}
	out := ir.Edge{To: next.To}
	for _, a := range next.Args {
		out.Args = append(out.Args, arg(a))
	}
	return out, true
}

func usesValues(b *ir.Block, e ir.Edge) bool {
	for _, a := range e.Args {
		for _, v := range b.Values {
			if a == v {
				return true
			}
		}
	}
	return false
}

// join appends a block to its only predecessor.
func join(f *ir.Func) bool {
	changed := false
	preds := f.Preds()
	gone := make([]bool, f.NumBlocks())
	for _, b := range f.Blocks {
		if gone[b.ID] {
			continue
		}
		for b.Term.Op == ir.OpJump {
			to := b.Succs[0].To
			if to == b || len(preds[to.ID]) != 1 || to == f.Blocks[0] || gone[to.ID] {
				break
			}
			for i, p := range to.Params {
				p.MakeCopy(b.Succs[0].Args[i])
				b.Append(p)
			}
			b.Values = append(b.Values, to.Values...)
			b.Term, b.Succs = to.Term, to.Succs
			for _, e := range b.Succs {
				for i, p := range preds[e.To.ID] {
					if p == to {
						preds[e.To.ID][i] = b
					}
				}
			}
			to.Params, to.Values, gone[to.ID] = nil, nil, true
			changed = true
		}
	}
	if changed {
		kept := f.Blocks[:0]
		for _, b := range f.Blocks {
			if !gone[b.ID] {
				kept = append(kept, b)
			}
		}
		f.Blocks = kept
	}
	return changed
}
