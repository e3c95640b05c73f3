package facts

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// A round is the walk of a loop of the caller's that has a callback in it. The
// verifier marks what matters in a state's walk when that has ended; where a
// walk came back to a state of which it has not, the states in the loop are
// compared in full until then (incomplete_read_marks of kernel/bpf/verifier.c).
type round struct {
	first *checkpoint
	backs []back
}

// A back is where a walk came back to a state.
type back struct {
	to *checkpoint
	position
	last *checkpoint
}

// findRounds says of each place which loop it is in, and which are at a call
// that calls back.
func (a *analysis) findRounds() {
	loop := a.findLoops()
	for _, b := range a.f.Blocks {
		if cb := a.heads[b.ID]; cb != nil {
			cb.place = &a.end[b.ID]
			cb.place.call = true
		}
		round := loop[b.ID]
		for cb := a.within[b.ID]; cb != nil; cb = a.within[cb.head.ID] { // the outermost loop
			if r := loop[cb.head.ID]; r != nil {
				round = r
			}
		}
		if round == nil {
			continue
		}
		a.entry[b.ID].round, a.end[b.ID].round = round, round
		for _, v := range b.Values {
			for _, p := range [2]*place{a.before[v.ID], a.after[v.ID]} {
				if p != nil {
					p.round = round
				}
			}
		}
	}
}

// findLoops gives, by block, the outermost loop that it is in, of those in the
// same function: a strongly connected component.
func (a *analysis) findLoops() []*round {
	n := a.f.NumBlocks()
	loop, order, low := make([]*round, n), make([]int, n), make([]int, n)
	var stack []*ir.Block
	at := 0
	var visit func(b *ir.Block)
	visit = func(b *ir.Block) {
		at++
		order[b.ID], low[b.ID] = at, at
		mine := len(stack)
		stack = append(stack, b)
		for _, e := range b.Succs {
			switch to := e.To.ID; {
			case a.within[to] != a.within[b.ID]:
			case order[to] == 0:
				visit(e.To)
				low[b.ID] = min(low[b.ID], low[to])
			case order[to] > 0:
				low[b.ID] = min(low[b.ID], order[to])
			}
		}
		if low[b.ID] < order[b.ID] {
			return
		}
		var r *round
		if len(stack)-mine > 1 || slices.ContainsFunc(b.Succs, func(e ir.Edge) bool { return e.To == b }) {
			r = &round{}
		}
		for _, x := range stack[mine:] {
			loop[x.ID], order[x.ID] = r, -1
		}
		stack = stack[:mine]
	}
	for _, b := range a.f.Blocks {
		if order[b.ID] == 0 {
			visit(b)
		}
	}
	return loop
}

// callBack goes on behind the call, and then into what it calls back.
func (a *analysis) callBack(cb *callback) outcome {
	behind, into := &a.b.Succs[0], &a.b.Succs[1]
	ways, depth := 1, a.st.depth
	if a.turns(cb) > uint64(depth[cb.level]) {
		ways++
		a.arguments(cb, into.To)
		st := a.along(into)
		st.depth[cb.level]++
		if cb.level+1 < mostLevels {
			st.depth[cb.level+1] = 0
		}
		a.push(into.To, a.passage(into, nil), st)
	}
	st := a.along(behind)
	st.depth[cb.level] = 0
	a.push(behind.To, a.passage(behind, nil), st)
	return a.part(ways)
}

// turns is how often the verifier goes into the callback at most.
func (a *analysis) turns(cb *callback) uint64 {
	if !isLoop(cb.call) {
		return 1 << 32
	}
	if x, _ := cb.call.Operand(0); x != nil {
		a.stamp++
		a.mark(a.include(x), a.position, a.last)
	}
	x := a.arg(cb.call, 0)
	return x.orAny().Max
}

func isLoop(call *ir.Value) bool { return helper(call) == "loop" }

// helper is the name of the helper that v calls.
func helper(v *ir.Value) string { return abi.HelperByID(int32(v.Aux)).Name }

// arguments makes what the kernel gives the callback, which begins at entry.
func (a *analysis) arguments(cb *callback, entry *ir.Block) {
	each := helper(cb.call) == "for-each-map-elem"
	for i, p := range entry.Params {
		a.renew(p)
		x := Val{}
		switch {
		case p.Type == ir.Scalar:
			x = a.fresh(p, Any(), Sure)
		case each:
			x = Val{Class: Pointer, Trust: Sure, Space: p.Type, Obj: int32(p.ID) + 1}
			if i == 2 {
				if m := a.mapArg(cb.call, 0); m != nil {
					x.Map, x.Size = m, int64(m.ValueSize)
				}
			}
		}
		a.vals[p.ID] = x
	}
}

// comeBack goes from the end of a callback to its call.
func (a *analysis) comeBack(cb *callback) outcome {
	a.matters(a.b.Term)
	for _, slot := range cb.slots {
		a.st.forget(a.frame[slot], a.frame[slot]+int64(a.f.Slots[slot].Size))
	}
	a.widen(cb.place)
	return a.follow(0, nil)
}

// widen forgets the numbers that differ from what they were at the last walk
// of the callback and have made no difference (widen_imprecise_scalars of
// kernel/bpf/verifier.c).
func (a *analysis) widen(at *place) {
	i := len(at.seen) - 1
	for i >= 0 && at.seen[i].open == 0 {
		i--
	}
	if i < 0 {
		return
	}
	c := at.seen[i]
	for i, id := range at.ids {
		x, y := &c.vals[i], &a.vals[id]
		if x.Class == Number && y.Class == Number && !c.precise[i] && x.Num != y.Num {
			*y = number(Any(), min(x.Trust, y.Trust))
		}
	}
	for _, w := range c.stack {
		if v := a.st.word(w.at); v != nil && !w.covers(v) {
			a.st.forget(8*int64(w.at), 8*int64(w.at)+8)
		}
	}
}

// comesBack says that the walk has come back to c, from which it has not
// ended.
func (a *analysis) comesBack(at *place, c *checkpoint) {
	r := at.round
	if r == nil {
		return
	}
	r.backs = append(r.backs, back{c, a.position, a.last})
}

// incomplete reports whether states at the place are compared in full, since
// what matters in them is not known yet.
func (p *place) incomplete() bool {
	return p.round != nil && len(p.round.backs) > 0
}

// ended says that all walks from c have ended.
func (a *analysis) ended(c *checkpoint) {
	r := c.at.round
	if r == nil || r.first != c {
		return
	}
	for _, b := range r.backs {
		a.pass(b.to, b.position, b.last)
	}
	r.first, r.backs = nil, nil
}

// coversAll is covers with all numbers compared, whether they made a difference or
// not. Names of numbers may differ, as long as the same ones are linked.
func (c *checkpoint) coversAll(a *analysis, first *int) bool {
	if i := *first; i < len(c.vals) && !c.vals[i].coversBut(&a.vals[c.at.ids[i]]) || !c.globals.covers(&a.st) {
		return false
	}
	a.names = a.names[:0]
	for i, id := range c.at.ids {
		x, y := &c.vals[i], &a.vals[id]
		if !x.coversBut(y) || x.Class == Number && !a.alike(x, y) {
			*first = i
			return false
		}
	}
	return true
}

// coversBut is covers without the names of numbers.
func (x *Val) coversBut(y *Val) bool {
	if x.Class == Number && y.Class == Number {
		return x.Num.Max >= y.Num.Max && x.Trust >= y.Trust && x.Num.Covers(y.Num)
	}
	return x.covers(y)
}

// alike reports whether x's name stands for y's, and notes that it does.
func (a *analysis) alike(x, y *Val) bool {
	if x.Sym == 0 || y.Sym == 0 {
		return true
	}
	if x.Off != y.Off {
		return false
	}
	for _, n := range a.names {
		if n[0] == x.Sym || n[1] == y.Sym {
			return n == [2]int32{x.Sym, y.Sym}
		}
	}
	a.names = append(a.names, [2]int32{x.Sym, y.Sym})
	return true
}

// cell is the cell that v reads or writes, 0 if there is none.
func (a *analysis) cell(v *ir.Value) int32 {
	if a.spliced == nil {
		return 0
	}
	return a.cells[v.ID]
}

// read is what the load v gets from a cell.
func (a *analysis) read(v *ir.Value, cell int32) Val {
	x := a.vals[cell]
	switch {
	case x.Class == Number && v.Size < 8:
		n := x.Num.trunc(8 * uint(v.Size))
		if v.Op == ir.OpLoadS {
			n = Eval(ir.OpSext, v.Size, n, n)
		}
		return a.fresh(v, n, x.Trust)
	case v.Size == 8:
		return x
	}
	return Val{}
}

// write puts what the store v stores into a cell.
func (a *analysis) write(v *ir.Value, cell int32) {
	x := a.arg(v, v.NumOperands()-1)
	if x.Class == Number && x.Sym != 0 && x.Off != 0 { // the verifier gives it a new name
		x.Sym, x.Off = int32(v.ID)+1, 0
	}
	a.vals[cell] = x
	a.known = append(a.known, cell)
}
