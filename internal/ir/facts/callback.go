package facts

import (
	"math"
	"slices"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// findCalls notes which places are at a call that calls back.
func (a *analysis) findCalls() {
	for _, b := range a.f.Blocks {
		if cb := a.heads[b.ID]; cb != nil {
			cb.place = &a.end[b.ID]
			cb.place.call = true
		}
	}
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
		a.push(into.To, a.passage(1, nil), st)
	}
	st := a.along(behind)
	st.depth[cb.level] = 0
	a.push(behind.To, a.passage(0, nil), st)
	return a.part(ways)
}

// most is how many instructions are too many. Callbacks that are called in loops
// are counted too high here, up to 1.6 times.
func (a *analysis) most() int {
	if a.spliced != nil && a.loops {
		return 2 * mostInsns
	}
	return mostInsns
}

// waits reports whether more branches wait than the verifier keeps.
func (a *analysis) waits() bool { return a.spliced != nil && len(a.work) > mostPending+1 }

// repeated is the callback that makes the most of the states: at least half as
// many as any test, of which there are most; nil if there is none.
func (a *analysis) repeated(most int32) (cb *callback) {
	if a.spliced == nil {
		return nil
	}
	for _, x := range a.heads {
		if x != nil && 2*a.passed[x.head.ID] >= most && (cb == nil || a.passed[x.head.ID] > a.passed[cb.head.ID]) {
			cb = x
		}
	}
	return cb
}

// turns is how often the verifier goes into the callback at most.
func (a *analysis) turns(cb *callback) uint64 {
	if helper(cb.call) != "loop" {
		return math.MaxUint64
	}
	if x, _ := cb.call.Operand(0); x != nil {
		a.stamp++
		a.mark(a.include(x), a.position, a.last)
	}
	n := a.arg(cb.call, 0)
	return n.orAny().Max
}

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
					x.Map, x.Size = a.name(m), int64(m.ValueSize)
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
		if x.Class == Number && y.Class == Number && !c.precise[i] && (x.Num != y.Num || x.Sym != y.Sym) {
			*y = number(Any(), min(x.Trust, y.Trust))
		}
	}
	for _, w := range c.stack {
		if v := a.st.word(w.at); v != nil && !w.covers(v) {
			a.st.forget(8*int64(w.at), 8*int64(w.at)+8)
		}
	}
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

// alike reports whether x's name stands for y's, and notes that it does. What
// has none stands for itself.
func (a *analysis) alike(x, y *Val) bool {
	if x.Sym == 0 && y.Sym == 0 {
		return true
	}
	own := -int32(len(a.names)) - 1
	pair := [2]int32{x.Sym, y.Sym}
	for i := range pair {
		if pair[i] == 0 {
			pair[i] = own
		}
	}
	for _, n := range a.names {
		if n[0] == pair[0] || n[1] == pair[1] {
			return n == pair && x.Off == y.Off
		}
	}
	a.names = append(a.names, pair)
	return x.Sym == 0 || y.Sym == 0 || x.Off == y.Off
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
	if _, isConst := x.Num.Const(); x.Class == Number && !isConst && (x.Sym == 0 || x.Off != 0) { // the verifier gives it a name
		x.Sym, x.Off = int32(v.ID)+1, 0
	}
	a.vals[cell] = x
	if !slices.Contains(a.known, cell) {
		a.known = append(a.known, cell)
	}
}
