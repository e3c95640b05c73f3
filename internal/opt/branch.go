package opt

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/slab"
)

// branch simplifies the flow between blocks:
//
//	v1 = ult a b; br ne v1 0   =>   br ult a b
//	br on a constant           =>   jump
//	br test c1 c2 of two comparisons   =>   br c1, then br c2
//	jump to a block that only branches on a parameter given a constant, or
//	on what this way has decided =>   jump to where that goes
//	a block with one predecessor that only jumps to it joins it
func branch(f *ir.Func, c *Config) bool {
	changed := false
	for i := 0; i < len(f.Blocks); i++ { // both may add blocks
		b := f.Blocks[i]
		changed = condition(f, b) || changed
		for both(f, b) {
			condition(f, b)
			changed = true
		}
		changed = constantBranch(f, b) || changed
	}
	changed = thread(f, c) || changed
	changed = join(f) || changed
	return changed
}

// condition takes a comparison into the branch that tests it.
func condition(f *ir.Func, b *ir.Block) bool {
	t := b.Term
	changed := false
	for t.Op == ir.OpBr && (t.Cmp == ir.OpNe || t.Cmp == ir.OpEq) && t.Size == 8 && len(t.Args) == 2 {
		c, isConst := t.Args[1].IsConst()
		v := plain(t.Args[0])
		if v.Op == ir.OpAnd && boolean(v) && isConst && c == 0 { // a test of both
			if t.Cmp == ir.OpEq {
				b.Succs[0], b.Succs[1] = b.Succs[1], b.Succs[0]
			}
			t.Cmp, t.Args = ir.OpTest, f.List(v.Args...)
			changed = true
			continue
		}
		if !isConst || !v.Op.Compares() || v.HasImm || c != 0 && c != 1 {
			break
		}
		if (t.Cmp == ir.OpEq) == (c == 0) { // true when the comparison is false
			b.Succs[0], b.Succs[1] = b.Succs[1], b.Succs[0]
		}
		t.Cmp, t.Size, t.Args = v.Op, v.Size, f.List(v.Args...)
		changed = true
	}
	return changed
}

// both makes two branches of one on two conditions: the first goes to a new
// block with the second.
//
//	br test c1 c2 b1 b2   =>   br ne c1 0 b3 b2; b3: br ne c2 0 b1 b2
//	br ne (or c1 c2) 0    =>   br ne c1 0 b1 b3; b3: br ne c2 0 b1 b2
func both(f *ir.Func, b *ir.Block) bool {
	t := b.Term
	if t.Op != ir.OpBr || t.Size != 8 || t.HasImm || len(t.Args) != 2 {
		return false
	}
	x, y := plain(t.Args[0]), plain(t.Args[1])
	way := 0 // where the first condition leads on to the second
	switch c, isConst := y.IsConst(); {
	case t.Cmp == ir.OpTest && boolean(x) && boolean(y):
	case (t.Cmp == ir.OpNe || t.Cmp == ir.OpEq) && isConst && c == 0 && x.Op == ir.OpOr && x.Size == 8 && len(x.Args) == 2 &&
		boolean(x.Args[0]) && boolean(x.Args[1]):
		if t.Cmp == ir.OpEq {
			b.Succs[0], b.Succs[1] = b.Succs[1], b.Succs[0]
		}
		x, y, way = plain(x.Args[0]), plain(x.Args[1]), 1
	default:
		return false
	}
	mid := f.NewBlock()
	mid.Succs = []ir.Edge{b.Succs[0].Clone(), b.Succs[1].Clone()}
	test := func(in *ir.Block, v *ir.Value) *ir.Value {
		zero := f.Const(0, t.Pos)
		in.Append(zero)
		br := f.NewValue(ir.OpBr, t.Pos, v, zero)
		br.Cmp, br.Size = ir.OpNe, 8
		return br
	}
	mid.Term = test(mid, y)
	b.Term = test(b, x)
	b.Succs[way] = ir.Edge{To: mid}
	condition(f, mid)
	return true
}

// boolean reports whether v is 0 or 1 by being a condition.
func boolean(v *ir.Value) bool {
	v = plain(v)
	if v.Op == ir.OpAnd || v.Op == ir.OpOr {
		return v.Size == 8 && len(v.Args) == 2 && boolean(v.Args[0]) && boolean(v.Args[1])
	}
	return v.Op.Compares() && !v.HasImm
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
	b.Succs[0], b.Succs = b.Succs[take], b.Succs[:1]
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

// A way that has decided a long chain of tests is sent past so many of them
// in all: a few for each block, and some more.
const (
	decidedPerBlock = 8
	decidedAtLeast  = 1000
)

var userRooms slab.Rooms[slab.Item[*ir.Block]]

// thread sends edges past blocks that compute nothing.
func thread(f *ir.Func, c *Config) bool {
	if c.decided == nil {
		n := decidedPerBlock*len(f.Blocks) + decidedAtLeast
		c.decided = &n
	}
	changed := false
	// Blocks with values that something outside of them uses: going around
	// such a block would leave the use without its definition.
	home := f.BlockTable(f.NumValues())
	outside := f.Bools(f.NumBlocks())
	for _, b := range f.Blocks {
		for _, p := range b.Params {
			home[p.ID] = b
		}
		for _, v := range b.Values {
			home[v.ID] = b
		}
	}
	users := slab.Lists[*ir.Block]{Room: userRooms.Take(64), First: f.Ints(f.NumBlocks()), Last: f.Ints(f.NumBlocks())} // by block
	defer userRooms.Give(users.Room)
	for _, b := range f.Blocks {
		b.Uses(func(p **ir.Value) {
			if h := home[(*p).ID]; h != nil && h != b {
				outside[h.ID] = true
				if last := users.End(h.ID); last == nil || *last != b {
					users.Add(h.ID, b)
				}
			}
		})
	}
	var known *ways
	defer func() { known.free() }()
	dom := func() *ir.DomTree {
		if known == nil {
			known = newWays(f)
		}
		return known.dom
	}
	// Uses behind the way not taken, which only leads on from b, keep their
	// definition. Going around blocks does not end dominance, so that dom,
	// made before, serves all along.
	kept := func(b, other *ir.Block) bool {
		dom := dom()
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
		behind := true
		users.Each(b.ID, func(u *ir.Block) bool {
			behind = dom.Dominates(other, u)
			return behind
		})
		return behind
	}
	for _, b := range f.Blocks {
		for k := range b.Succs {
			// What this way, and those before it, have decided. An edge that
			// has been sent on is still the same way.
			decide := func(q test) int {
				if *c.decided <= 0 || !dom().Reachable(b) {
					return -1
				}
				*c.decided--
				way := k
				if len(b.Succs) == 1 {
					way = -1
				}
				return known.decide(q, b, way)
			}
			for n := 0; n < 50; n++ {
				to, ok := skip(f, b.Succs[k], b, outside, kept, decide)
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
func skip(f *ir.Func, e ir.Edge, from *ir.Block, outside []bool, kept func(b, other *ir.Block) bool, decide func(test) int) (ir.Edge, bool) {
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
		l, r := arg(b.Term.Args[0]), arg(b.Term.Args[1])
		x, ok1 := l.IsConst()
		y, ok2 := r.IsConst()
		if ok1 && ok2 {
			take = 1 - int(b.Term.Cmp.Eval(b.Term.Size, uint64(x), uint64(y)))
			break
		}
		t := *b.Term
		t.Args = []*ir.Value{l, r}
		if take = decide(testOf(&t)); take < 0 {
			return e, false
		}
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
	out := ir.Edge{To: next.To, Args: f.List(next.Args...)}
	for i, a := range out.Args {
		out.Args[i] = arg(a)
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
	gone := f.Bools(f.NumBlocks())
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
				f.MakeCopy(p, b.Succs[0].Args[i])
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
