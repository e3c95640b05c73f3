package facts

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// pending is a path to go on with, from a place or with its values.
type pending struct {
	position // to is of no use
	at       *place
	last     *checkpoint
	state
	more int   // instructions on the way there, which do not jump
	room rooms // of the way here
}

// rooms is how far passages and links are used. Only a path that has gone on from
// a passage goes back over it: behind what a path came by, the paths that were
// walked before it have left nothing that anybody looks at again.
type rooms struct {
	passages mark
	links    int
}

func (a *analysis) rooms() rooms { return rooms{a.passages.mark(), len(a.links)} }

// leave takes back what was made since r.
func (a *analysis) leave(r rooms) {
	if a.env.Plain {
		return
	}
	a.passages.back(r.passages)
	a.links = a.links[:r.links]
}

// walk follows all paths from the entry in the verifier's order: at a branch
// that goes both ways, first the way on which the code goes on. It reports
// whether it has come to the end.
func (a *analysis) walk() bool {
	if a.fuel <= 0 {
		return false // nothing is prepared
	}
	entry := a.f.Blocks[0]
	st := state{vals: a.newVals(len(a.entry[entry.ID].ids)), globals: nothing}
	clear(st.vals)
	for i, p := range entry.Params {
		switch { // other arguments are of unknown provenance
		case p.Type == ir.Scalar && a.env.Called: // by the kernel, with any number
			st.vals[i] = number(Any(), Sure)
		case p.Type == ir.PtrCtx:
			st.vals[i] = Val{Class: Pointer, Trust: Sure, Space: p.Type, Obj: int32(p.ID) + 1}
		}
	}
	a.work = slices.Grow(a.work, 128)
	a.last = &checkpoint{open: 1, state: state{globals: nothing}}
	a.atInsns = -1 // the first instruction counts before it is looked at
	a.push(entry, nil, st)
	how := parts
	for len(a.work) > 0 && how != goesOn && !a.waits() {
		p := a.work[len(a.work)-1]
		a.work = a.work[:len(a.work)-1]
		a.last = p.last
		a.leave(p.room)
		how = ends
		if a.arrive(&p) {
			how = goesOn
		}
		for how == goesOn && a.fuel > 0 && a.insns <= a.most() {
			how = a.block()
		}
		if how != ends {
			continue
		}
		for c := a.last; c != nil; c = c.parent {
			if c.open--; c.open > 0 {
				break
			}
		}
	}
	if (a.insns > a.most() || a.waits()) && 2*a.sure > a.insns {
		a.tooComplex()
	}
	return how != goesOn && !a.waits()
}

// What becomes of a path at the end of a block.
type outcome uint8

const (
	ends   outcome = iota
	parts          // what is left of it is in work
	goesOn         // in the next block
)

// push goes on at b's entry later.
func (a *analysis) push(b *ir.Block, w *passage, st state) {
	a.work = append(a.work, pending{position{b: b, via: w}, &a.entry[b.ID], a.last, st, 0, a.rooms()})
}

// arrive makes p the state that is walked; false if a checkpoint covers it.
func (a *analysis) arrive(p *pending) bool {
	a.fuel -= 3*len(p.vals) + 4 // made, compared, and taken apart again
	a.known = append(a.known[:0], p.at.ids...)
	for i, id := range p.at.ids {
		a.vals[id] = p.vals[i]
	}
	a.oldVals(p.vals)
	a.position, a.st = p.position, p.globals
	a.insns, a.jumps = a.insns+p.gotos+p.more, a.jumps+p.gotos
	a.to = a.from
	at := &a.entry[p.b.ID]
	if p.from > 0 {
		at = a.after[p.b.Values[p.from-1].ID]
	}
	return at == nil || !at.meets || a.visit(at)
}

// block walks to the end of the block.
func (a *analysis) block() outcome {
	b := a.b
	a.passed[b.ID]++
	a.fuel -= len(b.Values) - int(a.from)
	for a.to = a.from; int(a.to) < len(b.Values); {
		v := b.Values[a.to]
		if at := a.before[v.ID]; at != nil {
			lead, _, _ := a.sides(v)
			if a.insns += lead; !a.visit(at) {
				return ends
			}
			a.insns -= lead // count has it
		}
		a.count(v)
		if a.exact(v) {
			a.matters(v)
		}
		if !a.exec(v) {
			return ends
		}
		if v.Op.Compares() && a.need[v.ID] && !(a.uses[v.ID] == 1 && testedBy(b.Term) == v) {
			if _, decided := a.vals[v.ID].Num.Const(); !decided {
				return a.split(v)
			}
		}
		if a.before[v.ID] != nil && a.need[v.ID] && a.vals[v.ID].isConst(1) {
			_, skip, _ := a.sides(v) // it jumps
			a.insns -= skip
		}
		a.to++
		if at := a.after[v.ID]; at != nil && !a.visit(at) {
			return ends
		}
	}
	switch b.Term.Op {
	case ir.OpRet:
		a.count(b.Term)
		a.exit(b.Term)
	case ir.OpJump:
		a.count(b.Term) // moves
		if cb := a.spliced.returning(b); cb != nil {
			return a.comeBack(cb)
		}
		return a.follow(0, nil)
	case ir.OpBr:
		if !a.visit(&a.end[b.ID]) {
			return ends
		}
		a.count(b.Term)
		if cb := a.spliced.head(b); cb != nil {
			return a.callBack(cb)
		}
		return a.branch()
	}
	return ends
}

// follow goes on over the only edge that can be taken, which test says.
func (a *analysis) follow(succ int, test *ir.Value) outcome {
	b := a.b
	e := &b.Succs[succ]
	at := &a.entry[e.To.ID]
	a.fuel -= len(at.ids) + 4
	if params := e.To.Params; len(params) == 1 {
		a.move(e.Args[0], params[0], &a.vals[params[0].ID])
	} else if len(params) > 1 {
		a.moved = slices.Grow(a.moved[:0], len(params))[:len(params)] // all at once: a parameter may be another's argument
		for i, p := range params {
			a.move(e.Args[i], p, &a.moved[i])
		}
		for i, p := range params {
			a.vals[p.ID] = a.moved[i]
		}
	}
	a.known = append(a.known[:0], at.ids...)
	n := a.gotos(b, succ)
	a.insns, a.jumps = a.insns+n, a.jumps+n
	a.position = position{b: e.To, via: a.passage(succ, test)}
	if at.meets && !a.visit(at) {
		return ends
	}
	return goesOn
}

// move puts what the parameter p gets from v into to.
func (a *analysis) move(v, p *ir.Value, to *Val) {
	if !a.need[p.ID] {
		*to = Val{}
	} else if x := a.at(v, to); x != to {
		*to = *x
	}
}

// passage is one from here.
func (a *analysis) passage(succ int, test *ir.Value) *passage {
	w := a.passages.one()
	*w = passage{position: a.position, succ: int8(succ), test: test}
	return w
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
func (a *analysis) along(e *ir.Edge) state {
	list := a.entry[e.To.ID].ids
	st := state{a.newVals(len(list)), 0, a.st.share()}
	for i, id := range list {
		if i < len(e.Args) {
			a.move(e.Args[i], e.To.Params[i], &st.vals[i])
		} else {
			st.vals[i] = a.vals[id]
		}
	}
	return st
}

// split goes on after the comparison v once for each result, as the branches
// do that the machine computes it with.
func (a *analysis) split(v *ir.Value) outcome {
	var rooms [2]Val
	x, y := a.argAt(v, 0, &rooms[0]), a.argAt(v, 1, &rooms[1])
	a.judge(x, y)
	at, ways := a.places.one(), 0
	at.ids = a.ints.take(len(a.known))
	copy(at.ids, a.known)
	for _, holds := range []bool{true, false} { // the code goes on where it fails
		st := state{a.newVals(len(at.ids)), 0, a.st.share()}
		behind, old := a.beyond(v.Op, v, x, y, holds)
		for k, id := range at.ids {
			st.vals[k] = a.vals[id]
			if int(id) == v.ID {
				st.vals[k] = constant(b2i(holds))
			}
		}
		if behind != nil {
			behind.Range = old
		}
		w := a.passage(-1, v)
		if a.assume(&st, at.ids, w, v.Op, v.Size, x, y, holds) {
			st.trail = a.step(v, holds, x, y)
			p := pending{position{b: a.b, from: a.to + 1, via: w}, at, a.last, st, 0, a.rooms()}
			if holds { // this one goes around some instructions, to those behind them
				_, _, p.more = a.sides(v)
			}
			a.work = append(a.work, p)
			ways++
		} else {
			a.matters(v)
		}
	}
	return a.part(ways)
}

// part says that the path goes on in so many ways.
func (a *analysis) part(ways int) outcome {
	if ways == 0 {
		return ends
	}
	a.last.open += ways - 1
	a.parts[a.b.ID] += int32(ways - 1)
	return parts
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// branch follows the block's two edges.
func (a *analysis) branch() outcome {
	b := a.b
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
	var rooms [2]Val
	x, y := a.argAt(test, 0, &rooms[0]), a.argAt(test, 1, &rooms[1])
	can, cannot := a.compare(cmp, size, x, y)
	switch {
	case !can && !cannot:
		return ends
	case !cannot:
		a.matters(test)
		return a.follow(yes, test)
	case !can:
		a.matters(test)
		return a.follow(no, test)
	}
	a.judge(x, y)
	taken, first := 0, a.jumpsTo(b) // the last is walked first
	for _, succ := range [2]int{first, 1 - first} {
		edge := &b.Succs[succ]
		behind, old := a.beyond(cmp, test, x, y, succ == yes)
		st := a.along(edge)
		if behind != nil {
			behind.Range = old
		}
		st.gotos = a.gotos(b, succ)
		w := a.passage(succ, test)
		if !a.masked(b, test) && !a.assume(&st, a.entry[edge.To.ID].ids, w, cmp, size, x, y, succ == yes) {
			a.matters(test)
			continue
		}
		st.trail = a.step(test, succ == yes, x, y)
		if taken++; succ == first || a.spliced != nil {
			a.push(edge.To, w, st)
			continue
		}
		a.part(taken) // this way is walked next
		if a.arrive(&pending{position: position{b: edge.To, via: w}, at: &a.entry[edge.To.ID], state: st}) {
			return goesOn
		}
		return ends
	}
	return a.part(taken)
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
	if !a.notes {
		return nil
	}
	s := a.steps.one()
	*s = step{a.st.trail, test, holds, [2]int32{x.Sym, x.Obj}, [2]int32{y.Sym, y.Obj}}
	return s
}

// judge makes the path doubtful if the verifier may know how x and y compare.
func (a *analysis) judge(x, y *Val) {
	if x.Class == Unknown || y.Class == Unknown || x.Class == Number && x.Trust == Doubtful || y.Class == Number && y.Trust == Doubtful {
		a.st.doubt = true
	}
}

// arg is what is known of operand i of v.
func (a *analysis) arg(v *ir.Value, i int) Val {
	var room Val
	return *a.argAt(v, i, &room)
}

// argAt is arg where it is, or in room.
func (a *analysis) argAt(v *ir.Value, i int, room *Val) *Val {
	x, imm := v.Operand(i)
	if x == nil {
		*room = constant(imm)
		return room
	}
	return a.at(x, room)
}

// get is what is known of v; at gives it where it is, or in room.
func (a *analysis) get(v *ir.Value) Val {
	var room Val
	return *a.at(v, &room)
}

func (a *analysis) at(v *ir.Value, room *Val) *Val {
	for {
		switch v.Op {
		case ir.OpCopy, ir.OpReload:
			v = v.Args[0]
			continue
		case ir.OpConst:
			*room = constant(v.Aux)
		case ir.OpMapAddr:
			*room = Val{}
			switch v.Type {
			case ir.PtrValue:
				*room = a.variable(v)
			case ir.PtrFunc:
			default:
				*room = Val{Class: Pointer, Trust: Sure, Space: ir.PtrMap}
			}
		case ir.OpStackAddr:
			*room = a.stackAt(v.Slot, v.Aux)
		default:
			if a.need[v.ID] {
				return &a.vals[v.ID]
			}
			*room = Val{}
		}
		return room
	}
}

// variable is a pointer to a global variable.
func (a *analysis) variable(v *ir.Value) Val {
	m := a.env.Variable(v.Sym)
	if m == nil {
		return Val{}
	}
	return Val{Class: Pointer, Trust: Sure, Space: ir.PtrValue, Map: a.name(m), Size: int64(m.ValueSize)}
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
	a.st.eachWord(f)
}
