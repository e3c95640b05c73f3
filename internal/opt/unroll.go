package opt

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// What unroll looks for: a loop of at most mostTurns turns whose ways through
// all turns are walkLimit values or more, and whose copies are not more than
// copyLimit values; or whose copies are no more than smallGrowth values more
// than the loop or, in a loop that runs often itself, innerSize in all. A copy
// that does the same work in less than half the values may make quickSize.
const (
	mostTurns   = 256
	walkLimit   = 200_000
	copyLimit   = 4096
	smallGrowth = 4
	innerSize   = 40
	quickSize   = 64
)

// unroll puts a copy of a loop's body for each turn where that is hardly
// larger, since the count becomes constants, and where the verifier, which
// walks every turn, would find no state again that it has seen at the loop's
// head: some ways through a turn check more of the packet than others, and a
// branch compares what earlier turns have counted. Each copy has states of
// its own, so that ways come together again.
func unroll(f *ir.Func, _ *Config) bool {
	changed := false
	var first map[*ir.Block]bool // heads of the loops without others inside, as f came
	for {
		loops := innerLoops(f, ir.Dominators(f))
		if len(loops) > 0 {
			depth(f, nil)
		}
		if first == nil {
			first = map[*ir.Block]bool{}
			for _, l := range loops {
				first[l.head] = true
			}
		}
		// What is around a loop that is copied waits until the copies are improved.
		i := slices.IndexFunc(loops, func(l *loop) bool {
			return first[l.head] && l.turns() && (l.explodes() || l.small()) && l.close(f)
		})
		if i < 0 {
			return changed
		}
		delete(first, loops[i].head)
		loops[i].copy(f)
		f.Prune()
		changed = true
	}
}

// A loop has one edge that enters it and one back to its head.
type loop struct {
	dom         *ir.DomTree
	head, latch *ir.Block
	enter, back *ir.Edge
	enters      int // how many edges there are
	backs       int
	blocks      []*ir.Block // in reverse postorder
	in          map[*ir.Block]bool
	counter     int       // the head's parameter that counts
	test        *ir.Block // leaves the loop in the last turn
	leave       int       // by this successor
	last        int       // the number of that turn, from 0
}

// innerLoops are the loops without others inside.
func innerLoops(f *ir.Func, dom *ir.DomTree) (out []*loop) {
	heads := map[*ir.Block]*loop{}
	for _, b := range dom.RPO {
		for i := range b.Succs {
			if e := &b.Succs[i]; dom.Dominates(e.To, b) {
				l := heads[e.To]
				if l == nil {
					l = &loop{dom: dom, head: e.To, in: map[*ir.Block]bool{e.To: true}}
					heads[e.To] = l
					out = append(out, l)
				}
				l.latch, l.back = b, e
				l.backs++
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	for _, b := range dom.RPO {
		for i := range b.Succs {
			if e := &b.Succs[i]; heads[e.To] != nil && !dom.Dominates(e.To, b) {
				heads[e.To].enter = e
				heads[e.To].enters++
			}
		}
	}
	preds := f.Preds()
	return slices.DeleteFunc(out, func(l *loop) bool {
		if l.enters != 1 || l.backs != 1 {
			return true
		}
		for work := []*ir.Block{l.latch}; len(work) > 0; {
			b := work[len(work)-1]
			work = work[:len(work)-1]
			if !l.in[b] {
				l.in[b] = true
				work = append(work, preds[b.ID]...)
			}
		}
		for _, b := range dom.RPO {
			if l.in[b] {
				l.blocks = append(l.blocks, b)
				if heads[b] != nil && b != l.head {
					return true
				}
			}
		}
		return false
	})
}

// turns finds the branch that ends the loop by a count from a constant to a
// constant, and in which turn it does.
func (l *loop) turns() bool {
	for i, p := range l.head.Params {
		next := l.back.Args[i]
		start, ok := l.enter.Args[i].IsConst()
		if !ok || next.Op != ir.OpAdd && next.Op != ir.OpSub || next.Size != 8 || len(next.Args) != 2 || next.Args[0] != p {
			continue
		}
		step, ok := next.Args[1].IsConst()
		if !ok {
			continue
		}
		if next.Op == ir.OpSub {
			step = -step
		}
		for _, b := range l.blocks {
			if b.Term.Op != ir.OpBr || len(b.Term.Args) != 2 || !l.dom.Dominates(b, l.latch) || l.in[b.Succs[0].To] == l.in[b.Succs[1].To] {
				continue
			}
			l.counter, l.test, l.leave = i, b, 0
			if l.in[b.Succs[0].To] {
				l.leave = 1
			}
			value := func(v *ir.Value, turn int) (uint64, bool) {
				n := start + int64(turn)*step
				switch c, isConst := v.IsConst(); {
				case isConst:
					return uint64(c), true
				case v == p:
					return uint64(n), true
				case v == next:
					return uint64(n + step), true
				}
				return 0, false
			}
			for l.last = 0; l.last < mostTurns; l.last++ {
				x, ok1 := value(b.Term.Args[0], l.last)
				y, ok2 := value(b.Term.Args[1], l.last)
				if !ok1 || !ok2 {
					break
				}
				if int(1-b.Term.Cmp.Eval(b.Term.Size, x, y)) == l.leave {
					return true
				}
			}
		}
	}
	return false
}

// small reports whether the copies are about as large as the loop.
func (l *loop) small() bool {
	p := l.head.Params[l.counter]
	known := map[*ir.Value]bool{p: true} // computed from the count alone
	constant := func(v *ir.Value) bool {
		_, isConst := v.IsConst()
		return isConst || known[v]
	}
	size, left := 0, 0
	for _, b := range l.blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpConst || v.Op == ir.OpCopy || v.Op == ir.OpStackAddr || v.Op == ir.OpMapAddr {
				known[v] = known[v] || v.Op == ir.OpCopy && known[v.Args[0]]
				continue
			}
			if v.Op.IsCall() {
				return false // its arguments are what takes room
			}
			size++
			switch {
			case v.Op.Foldable() && !slices.ContainsFunc(v.Args, func(a *ir.Value) bool { return !constant(a) }):
				known[v] = true
			case v.Op == ir.OpAdd && v.Type != ir.Scalar && constant(v.Args[1]): // the offset of an access
			default:
				left++
			}
		}
		switch {
		case b.Term.Op != ir.OpBr:
		case b == l.test, !slices.ContainsFunc(b.Term.Args, func(a *ir.Value) bool { return !constant(a) }):
			size++
		default:
			size++
			left++
		}
	}
	all := left * (l.last + 1)
	return all <= size+smallGrowth || l.head.Depth > 1 && all <= innerSize || 2*left < size && all <= quickSize
}

// explodes reports whether the verifier may walk the ways through the turns
// one by one.
func (l *loop) explodes() bool {
	size, checks, compares := 0, false, false
	for _, b := range l.blocks {
		size += 1 + len(b.Values)
		if b.Term.Op != ir.OpBr || b == l.test {
			continue
		}
		for _, v := range b.Term.Args {
			if v.Type == ir.PtrPacket && l.in[b.Succs[0].To] && l.in[b.Succs[1].To] {
				checks = true
			}
		}
		if _, isConst := b.Term.Args[len(b.Term.Args)-1].IsConst(); isConst && l.carried(b.Term.Args[0], map[*ir.Value]bool{}) {
			compares = true
		}
	}
	if !checks || !compares || size*(l.last+1) > copyLimit {
		return false
	}
	ways := map[*ir.Block]int{l.head: 1}
	for _, b := range l.blocks {
		for _, e := range b.Succs {
			if e.To != l.head && ways[e.To] < walkLimit {
				ways[e.To] += ways[b]
			}
		}
	}
	all := size
	for range l.last + 1 {
		if all *= ways[l.latch]; all >= walkLimit {
			return true
		}
	}
	return false
}

// carried reports whether v depends on a parameter of the head that does not
// only count turns.
func (l *loop) carried(v *ir.Value, seen map[*ir.Value]bool) bool {
	if seen[v] {
		return false
	}
	seen[v] = true
	for i, p := range l.head.Params {
		if p == v {
			return i != l.counter && v.Type == ir.Scalar
		}
	}
	if v.Op.IsCall() || v.Op == ir.OpLoad {
		return false
	}
	from := v.Args
	if v.Op == ir.OpParam {
		for _, b := range l.blocks {
			for _, e := range b.Succs {
				if i := slices.Index(e.To.Params, v); i >= 0 {
					from = append(from, e.Args[i])
				}
			}
		}
	}
	return slices.ContainsFunc(from, func(a *ir.Value) bool { return l.carried(a, seen) })
}

// exits gives the loop blocks of its own on its edges to blocks that are
// reached from elsewhere, too.
func (l *loop) exits(f *ir.Func) {
	preds := f.Preds()
	for _, b := range l.blocks {
		for i, e := range b.Succs {
			if !l.in[e.To] && slices.ContainsFunc(preds[e.To.ID], func(p *ir.Block) bool { return !l.in[p] }) {
				mid := f.NewBlock()
				mid.Term = f.NewValue(ir.OpJump, b.Term.Pos)
				mid.Succs = []ir.Edge{e}
				b.Succs[i] = ir.Edge{To: mid}
			}
		}
	}
}

// close gives the blocks behind the loop parameters for what they use of it.
// It reports false where ways out of the loop have come together before the
// use.
func (l *loop) close(f *ir.Func) bool {
	l.exits(f)
	dom := ir.Dominators(f)
	defined := map[*ir.Value]bool{}
	var exits []*ir.Block
	for _, b := range l.blocks {
		for _, v := range b.Params {
			defined[v] = true
		}
		for _, v := range b.Values {
			defined[v] = true
		}
		for _, e := range b.Succs {
			if !l.in[e.To] && !slices.Contains(exits, e.To) {
				exits = append(exits, e.To)
			}
		}
	}
	preds := f.Preds()
	exitOf := func(u *ir.Block) *ir.Block {
		for _, e := range exits {
			outside := slices.ContainsFunc(preds[e.ID], func(p *ir.Block) bool { return !l.in[p] })
			if !outside && dom.Dominates(e, u) {
				return e
			}
		}
		return nil
	}
	type use struct {
		at   **ir.Value
		exit *ir.Block
	}
	var uses []use
	for _, u := range dom.RPO {
		if l.in[u] {
			continue
		}
		exit, ok := exitOf(u), true
		u.Uses(func(p **ir.Value) {
			if defined[*p] {
				uses = append(uses, use{p, exit})
				ok = ok && exit != nil
			}
		})
		if !ok {
			return false
		}
	}
	type key struct {
		exit *ir.Block
		v    *ir.Value
	}
	params := map[key]*ir.Value{}
	for _, u := range uses {
		k := key{u.exit, *u.at}
		if params[k] == nil {
			params[k] = f.NewParam(k.exit, k.v.Type, k.v.Pos)
			for _, b := range l.blocks {
				for i := range b.Succs {
					if b.Succs[i].To == k.exit {
						b.Succs[i].Args = append(b.Succs[i].Args[:len(b.Succs[i].Args):len(b.Succs[i].Args)], k.v)
					}
				}
			}
		}
		*u.at = params[k]
	}
	return true
}

// copy replaces the loop by a copy of it for each turn.
func (l *loop) copy(f *ir.Func) {
	copies := f.ValueTable(f.NumValues()) // of the loop's values, in a turn
	at := f.Ints(f.NumBlocks())           // where a block stands in l.blocks
	for i, b := range l.blocks {
		at[b.ID] = int32(i)
	}
	turns := make([][]*ir.Block, l.last+1) // the copies of l.blocks
	for k := range turns {
		turns[k] = f.BlockTable(len(l.blocks))
		for i, b := range l.blocks {
			nb := f.NewBlock()
			turns[k][i] = nb
			for _, p := range b.Params {
				f.NewParam(nb, p.Type, p.Pos)
			}
		}
	}
	for k, blocks := range turns {
		for i, b := range l.blocks {
			for j, p := range b.Params {
				copies[p.ID] = blocks[i].Params[j]
			}
		}
		clone := func(v *ir.Value) *ir.Value {
			w := f.NewValue(v.Op, v.Pos)
			id := w.ID
			*w = *v
			w.ID, w.Args = id, nil
			copies[v.ID] = w
			return w
		}
		args := func(old []*ir.Value) []*ir.Value {
			if len(old) == 0 {
				return nil
			}
			out := slices.Clone(old)
			for i, a := range out {
				if w := copies[a.ID]; w != nil {
					out[i] = w
				}
			}
			return out
		}
		for i, b := range l.blocks {
			blocks[i].Values = make([]*ir.Value, 0, len(b.Values))
			for _, v := range b.Values {
				blocks[i].Append(clone(v))
			}
		}
		for i, b := range l.blocks {
			nb := blocks[i]
			for i, v := range b.Values {
				nb.Values[i].Args = args(v.Args)
			}
			succs := b.Succs
			if b == l.test {
				nb.Term = f.NewValue(ir.OpJump, b.Term.Pos)
				stay := 1 - l.leave
				if k == l.last {
					stay = l.leave
				}
				succs = succs[stay : stay+1]
			} else {
				nb.Term = clone(b.Term)
				nb.Term.Args = args(b.Term.Args)
			}
			for _, e := range succs {
				to := e.To
				switch {
				case to == l.head: // not reached in the last turn
					to = turns[min(k+1, l.last)][at[to.ID]]
				case l.in[to]:
					to = blocks[at[to.ID]]
				}
				nb.Succs = append(nb.Succs, ir.Edge{To: to, Args: args(e.Args)})
			}
		}
	}
	l.enter.To = turns[0][at[l.head.ID]]
}
