package facts

import "github.com/whistler-lang/whistler/internal/ir"

// mostStates bounds the states of one block: of a block that has more, the
// rest is not walked.
const mostStates = 2000

// pending is a path to go on with: at value `at` of a block. known names
// the values of the state.
type pending struct {
	b     *ir.Block
	at    int
	known []int32
	state
}

// walk follows all paths from the entry, the newest first.
func (a *analysis) walk() {
	if a.fuel <= 0 {
		return // nothing is prepared
	}
	entry := a.f.Blocks[0]
	st := state{vals: make([]Val, len(a.entry[entry.ID]))}
	for i, p := range entry.Params {
		if p.Type == ir.Scalar && a.env.Called { // by the kernel, with any number
			st.vals[i] = number(Any(), Sure)
		}
		if p.Type != ir.Scalar {
			st.vals[i] = Val{Class: Pointer, Trust: Sure, Space: p.Type, Obj: int32(p.ID) + 1}
			if p.Type != ir.PtrCtx {
				st.vals[i] = Val{} // an argument of unknown provenance
			}
		}
	}
	a.push(entry, st)
	for len(a.work) > 0 && a.fuel > 0 {
		p := a.work[len(a.work)-1]
		a.work = a.work[:len(a.work)-1]
		a.enter(p)
		a.block(p.b, p.at)
	}
}

// push goes on at b's entry later, unless a state there covers st.
func (a *analysis) push(b *ir.Block, st state) {
	if a.joins[b.ID] {
		seen := a.seenAt[b.ID]
		if len(seen) >= mostStates {
			return
		}
		for i := range seen {
			if seen[i].covers(&st, &a.differs[b.ID]) {
				return
			}
		}
		a.fuel -= len(seen)
		a.seenAt[b.ID] = append(seen, st)
	}
	a.work = append(a.work, pending{b: b, known: a.entry[b.ID], state: st})
}

// enter makes p the state that is walked. The state's own memory stays as
// it is: later states are compared with it.
func (a *analysis) enter(p pending) {
	a.fuel -= 3*len(p.vals) + 4 // made, compared, and taken apart again
	a.known = append(a.known[:0], p.known...)
	for i, id := range p.known {
		a.vals[id] = p.vals[i]
	}
	a.st = p.globals.clone()
}

// block walks b from value `from` to its end.
func (a *analysis) block(b *ir.Block, from int) {
	a.fuel -= len(b.Values) - from
	for i := from; i < len(b.Values); i++ {
		v := b.Values[i]
		if !a.exec(v) {
			return
		}
		if v.Op.Compares() && a.need[v.ID] && !(a.uses[v.ID] == 1 && testedBy(b.Term) == v) && a.split(b, i, v) {
			return
		}
	}
	switch b.Term.Op {
	case ir.OpRet:
		a.exit(b.Term)
	case ir.OpJump:
		a.push(b.Succs[0].To, a.along(b.Succs[0]))
	case ir.OpBr:
		a.branch(b)
	}
}

// testedBy is the comparison whose truth a branch tests, nil if it tests
// something else.
func testedBy(t *ir.Value) *ir.Value {
	if t.Op != ir.OpBr || t.Cmp != ir.OpNe && t.Cmp != ir.OpEq || t.Size != 8 || len(t.Args) == 0 {
		return nil
	}
	if x, imm := t.Operand(1); imm != 0 {
		return nil
	} else if x != nil {
		if n, ok := x.IsConst(); !ok || n != 0 {
			return nil
		}
	}
	if v := operand(t.Args[0]); v != nil && v.Op.Compares() {
		return v
	}
	return nil
}

// along is the state at the entry of e's block.
func (a *analysis) along(e ir.Edge) state {
	list := a.entry[e.To.ID]
	st := state{make([]Val, len(list)), a.st.clone()}
	for i, id := range list {
		switch {
		case i >= len(e.Args):
			st.vals[i] = a.vals[id]
		case a.need[id]:
			st.vals[i] = a.get(e.Args[i])
		}
	}
	return st
}

// split goes on after the comparison v once for each result, as the branches
// do that the machine computes it with.
func (a *analysis) split(b *ir.Block, i int, v *ir.Value) bool {
	if _, decided := a.vals[v.ID].Num.Const(); decided {
		return false
	}
	x, y := a.arg(v, 0), a.arg(v, 1)
	a.judge(&x, &y)
	known := append([]int32(nil), a.known...)
	for _, holds := range []bool{false, true} {
		st := state{make([]Val, len(known)), a.st.clone()}
		undo := a.beyond(v.Op, v, &x, &y, holds)
		for k, id := range known {
			st.vals[k] = a.vals[id]
			if int(id) == v.ID {
				st.vals[k] = constant(b2i(holds))
			}
		}
		undo()
		if st.assume(v.Op, v.Size, x, y, holds) {
			st.trail = a.step(v, holds, &x, &y)
			a.work = append(a.work, pending{b, i + 1, known, st})
		}
	}
	return true
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// branch follows b's two edges.
func (a *analysis) branch(b *ir.Block) {
	t := b.Term
	cmp, size, yes, no := t.Cmp, t.Size, 0, 1
	test := t
	if v := testedBy(t); v != nil && a.inBlock(v) {
		// Its operands are those of this turn: v stands in the same block.
		if t.Cmp == ir.OpEq {
			yes, no = no, yes
		}
		cmp, size, test = v.Op, v.Size, v
	}
	x, y := a.arg(test, 0), a.arg(test, 1)
	can, cannot := a.compare(cmp, size, &x, &y)
	if can && cannot {
		a.judge(&x, &y)
	}
	for _, way := range []struct {
		open, holds bool
		edge        ir.Edge
	}{{cannot, false, b.Succs[no]}, {can, true, b.Succs[yes]}} {
		if !way.open {
			continue
		}
		undo := func() {}
		if can && cannot {
			undo = a.beyond(cmp, test, &x, &y, way.holds)
		}
		st := a.along(way.edge)
		undo()
		if can && cannot {
			if !st.assume(cmp, size, x, y, way.holds) {
				continue
			}
			st.trail = a.step(test, way.holds, &x, &y)
		}
		a.push(way.edge.To, st)
	}
}

// inBlock reports whether v was computed in the block that is walked.
func (a *analysis) inBlock(v *ir.Value) bool {
	for i := len(a.known) - 1; i >= 0; i-- {
		if int(a.known[i]) == v.ID {
			_, decided := a.vals[v.ID].Num.Const()
			return !decided
		}
	}
	return false
}

// step notes a branch that can go both ways.
func (a *analysis) step(test *ir.Value, holds bool, x, y *Val) *step {
	return &step{a.st.trail, test, holds, [2]int32{x.Sym, x.Obj}, [2]int32{y.Sym, y.Obj}}
}

// judge makes the path doubtful if the verifier may know how x and y compare.
func (a *analysis) judge(x, y *Val) {
	if x.Class == Unknown || y.Class == Unknown || x.Class == Number && x.Trust == Doubtful || y.Class == Number && y.Trust == Doubtful {
		a.st.doubt = true
	}
}

// arg is what is known of operand i of v.
func (a *analysis) arg(v *ir.Value, i int) Val {
	x, imm := v.Operand(i)
	if x == nil {
		return constant(imm)
	}
	return a.get(x)
}

func (a *analysis) get(v *ir.Value) Val {
	for v.Op == ir.OpCopy {
		v = v.Args[0]
	}
	switch v.Op {
	case ir.OpConst:
		return constant(v.Aux)
	case ir.OpMapAddr:
		switch v.Type {
		case ir.PtrValue:
			return a.variable(v)
		case ir.PtrFunc:
			return Val{}
		}
		return Val{Class: Pointer, Trust: Sure, Space: ir.PtrMap}
	case ir.OpStackAddr:
		return a.stackAt(v.Slot, v.Aux)
	}
	if !a.need[v.ID] {
		return Val{}
	}
	return a.vals[v.ID]
}

// variable is a pointer to a global variable.
func (a *analysis) variable(v *ir.Value) Val {
	if a.env.Variable == nil {
		return Val{}
	}
	m := a.env.Variable(v.Sym)
	if m == nil {
		return Val{}
	}
	return Val{Class: Pointer, Trust: Sure, Space: ir.PtrValue, Map: m, Size: int64(m.ValueSize)}
}

// set says what is known of v, which has just been computed.
func (a *analysis) set(v *ir.Value, x Val) {
	if a.need[v.ID] {
		a.vals[v.ID] = x
		a.known = append(a.known, int32(v.ID))
	}
}

// fresh gives a number that is not constant the identity of v.
func (a *analysis) fresh(v *ir.Value, n Num, trust Trust) Val {
	x := number(n, trust)
	if _, ok := n.Const(); !ok {
		x.Sym = int32(v.ID) + 1
	}
	return x
}

// renew forgets which values come from an earlier turn of v: they share
// v's name, but nothing else.
func (a *analysis) renew(v *ir.Value) {
	if !a.loops {
		return
	}
	name := int32(v.ID) + 1
	a.each(func(x *Val) {
		switch {
		case x.Class == Number && x.Sym == name:
			x.Sym, x.Off = 0, 0
		case x.Class == Pointer && (x.Obj == name && x.Space != ir.PtrStack || x.Ref == name):
			*x = Val{}
		}
	})
	if a.st.holds(name) {
		a.st.drop(name)
		a.st.doubt = true
	}
}

// each calls f with all values that are known here, those on the stack included.
func (a *analysis) each(f func(*Val)) {
	for _, id := range a.known {
		f(&a.vals[id])
	}
	for i := range a.st.stack {
		if a.st.stack[i].size > 0 {
			f(&a.st.stack[i].val)
		}
	}
}
