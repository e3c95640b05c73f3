package facts

import (
	"math/bits"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// prepare finds which values matter, and where they are alive.
func (a *analysis) prepare() {
	n := a.f.NumValues()
	if a.spliced != nil {
		n += a.numCells()
	}
	a.need, a.uses = a.flags.take(n), a.ints.take(n)
	a.vals = a.arena.vals.take(n)
	a.stamps = a.ints.take(n)
	a.layout()
	a.keep()
	a.entry, a.end = a.places.take(a.f.NumBlocks()), a.places.take(a.f.NumBlocks())
	a.passed, a.parts = a.ints.take(a.f.NumBlocks()), a.ints.take(a.f.NumBlocks())
	// A short function is walked until the verifier would give up. Most values
	// of a long one are walked once or twice; what has many states there, the
	// verifier does not walk to its end either.
	a.fuel = 1300000 + 10*n
	if n < 5000 {
		a.fuel = 40 * mostInsns
	}
	rpo := a.f.ReversePostorder()
	a.next = a.blocks.take(a.f.NumBlocks())
	for i, b := range rpo[1:] {
		a.next[rpo[i].ID] = b
	}
	a.findNeed(rpo)
	a.findAlive(rpo)
	a.aliveSlots(rpo)
	if a.spliced != nil {
		a.findCalls()
	}
}

// original is what v is a copy of.
func original(v *ir.Value) *ir.Value {
	for v.Op == ir.OpCopy || v.Op == ir.OpReload {
		v = v.Args[0]
	}
	return v
}

// operand is v without copies; nil if it has no place in a state.
func operand(v *ir.Value) *ir.Value {
	v = original(v)
	switch v.Op {
	case ir.OpConst, ir.OpStackAddr, ir.OpMapAddr:
		return nil
	}
	return v
}

// findNeed marks the values that decide branches, addresses and calls: of
// the others a state says nothing, so that it stays small.
func (a *analysis) findNeed(rpo []*ir.Block) {
	preds := a.ints.take(a.f.NumBlocks())
	feeds := a.f.Feeds()
	var work []*ir.Value
	need := func(v *ir.Value) {
		if v = operand(v); v != nil && !a.need[v.ID] {
			a.need[v.ID] = true
			work = append(work, v)
		}
	}
	a.loops = a.f.LeadsBack(rpo)
	for _, b := range rpo {
		for _, v := range b.Values {
			for _, x := range v.Args {
				a.uses[x.ID]++
			}
			switch {
			case (v.Op == ir.OpStore || v.Op == ir.OpAtomic) && v.Slot == 0 && operand(v.Args[0]) != nil && !a.somewhere(v):
				need(v.Args[0])
			case v.Op.IsCall(), v.Op == ir.OpStore, v.Op == ir.OpLoad, v.Op == ir.OpLoadS:
				for _, x := range v.Args {
					need(x)
				}
			case (v.Op == ir.OpAdd || v.Op == ir.OpSub) && v.Type != ir.Scalar:
				for _, x := range v.Args {
					need(x)
				}
			case v.Op.Compares() && a.env.Shape != nil && a.env.Shape.Jumps[v.ID] > 0:
				need(v) // there are two ways behind it, whoever reads the result
			}
		}
		for _, x := range b.Term.Args {
			a.uses[x.ID]++
			if b.Term.Op == ir.OpBr || a.env.Returns != nil || a.spliced.returning(b) != nil {
				need(x)
			}
		}
		for _, e := range b.Succs {
			preds[e.To.ID]++
			for _, x := range e.Args {
				a.uses[x.ID]++
			}
		}
	}
	if a.spliced != nil {
		for id := a.first; id < len(a.need); id++ {
			a.need[id] = true
		}
	}
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		for _, x := range v.Args {
			need(x)
		}
		feeds.Each(v, need)
	}
	a.findMeets(rpo, preds)
}

// findMeets marks the blocks that begin where the verifier compares states:
// what is jumped to.
func (a *analysis) findMeets(rpo []*ir.Block, preds []int32) {
	empty := a.flags.take(a.f.NumBlocks())
	a.before, a.after = a.marks.take(a.f.NumValues()), a.marks.take(a.f.NumValues())
	for _, b := range rpo {
		n := 0
		for _, v := range b.Values {
			n += a.weight(v)
		}
		empty[b.ID] = n == 0 && (b.Term.Op != ir.OpJump || a.weight(b.Term) == 0)
	}
	meets := func(b *ir.Block) {
		for n := 0; empty[b.ID] && b.Term.Op == ir.OpJump && n < len(rpo); n++ {
			b = b.Succs[0].To
		}
		// At a comparison they do so in any case.
		a.entry[b.ID].meets = !empty[b.ID] || b.Term.Op != ir.OpBr
	}
	for _, b := range rpo {
		n := a.weight(b.Term)
		if b.Term.Op == ir.OpBr {
			n = 0
		}
		for i := len(b.Values) - 1; i >= 0; i-- {
			v := b.Values[i]
			w := a.weight(v)
			jumps := v.Op.Compares() && w > 0
			if jumps {
				a.before[v.ID] = a.meeting()
			}
			if jumps || v.Op.IsCall() {
				switch {
				case n > 0 || b.Term.Op == ir.OpJump && a.gotos(b, 0) > 0:
					a.after[v.ID] = a.meeting()
				case b.Term.Op == ir.OpJump:
					meets(b.Succs[0].To)
				}
			}
			n += w
		}
		if preds[b.ID] > 1 {
			meets(b)
		}
		if a.spliced.head(b) != nil {
			meets(b.Succs[1].To)
			continue
		}
		for k, e := range b.Succs {
			if b.Term.Op == ir.OpBr && k == a.jumpsTo(b) || a.gotos(b, k) > 0 {
				meets(e.To)
			}
		}
	}
}

// meeting is a place in the middle of a block.
func (a *analysis) meeting() *place {
	p := a.places.one()
	p.meets = true
	return p
}

// findAlive lists for each block what a state at its entry has.
func (a *analysis) findAlive(rpo []*ir.Block) {
	ids := a.ints.take(len(a.need))[:0] // of the values that matter, by their bit
	bit := a.ints.take(len(a.need))
	for id, need := range a.need {
		if need {
			bit[id] = int32(len(ids))
			ids = append(ids, int32(id))
		}
	}
	words := (len(ids) + 63) / 64
	if words*len(rpo) > 4<<20 {
		a.fuel = 0 // a giant: the verifier has to judge it alone
		return
	}
	set := a.words.take(words)
	l := liveness{set: set, in: a.words.take(words * a.f.NumBlocks())}
	use := func(v *ir.Value) {
		if v = operand(v); v != nil && a.need[v.ID] {
			set[bit[v.ID]/64] |= 1 << (bit[v.ID] % 64)
		}
	}
	kill := func(v *ir.Value) {
		if a.need[v.ID] {
			set[bit[v.ID]/64] &^= 1 << (bit[v.ID] % 64)
		}
	}
	l.end = func(b *ir.Block) {
		for _, e := range b.Succs {
			for k, x := range e.Args {
				if a.need[e.To.Params[k].ID] {
					use(x)
				}
			}
		}
		for _, x := range b.Term.Args {
			use(x)
		}
		if v := testedBy(b.Term); v != nil { // the machine compares here
			for _, x := range v.Args {
				use(x)
			}
		}
	}
	l.before = func(v *ir.Value) {
		kill(v)
		if cell := a.cell(v); cell != 0 {
			set[bit[cell]/64] |= 1 << (bit[cell] % 64)
			if v.Op == ir.OpStore {
				set[bit[cell]/64] &^= 1 << (bit[cell] % 64)
			}
		}
		if v.Op == ir.OpCopy || v.Op == ir.OpReload || v.Op == ir.OpSpill {
			return
		}
		for _, x := range v.Args {
			use(x)
		}
	}
	l.start = func(b *ir.Block) {
		for _, p := range b.Params {
			kill(p)
		}
	}
	l.settle(rpo, a.loops)
	for _, b := range rpo {
		ids := a.ints.take(len(b.Params))
		for i, p := range b.Params {
			ids[i] = int32(p.ID)
		}
		a.entry[b.ID].ids = ids
	}
	l.note(a, rpo, func(p *place) {
		n := len(p.ids)
		for _, x := range set {
			n += bits.OnesCount64(x)
		}
		p.ids = append(a.ints.take(n)[:0], p.ids...)
		for w, x := range set {
			for ; x != 0; x &= x - 1 {
				p.ids = append(p.ids, ids[64*w+bits.TrailingZeros64(x)])
			}
		}
	})
}

// keep finds the slots of which a state says what is in them: those that are
// read, or hold the index of an array, and with callbacks in place, where zeros
// make a difference, those that are written anywhere.
func (a *analysis) keep() {
	a.kept = a.flags.take(len(a.f.Slots))
	all := false
	for _, b := range a.f.Blocks {
		for _, v := range b.Values {
			switch v.Op {
			case ir.OpLoad, ir.OpLoadS:
				if slot, _, ok := slotOf(v); ok {
					a.kept[slot] = true
				} else if v.Args[0].Type == ir.PtrStack {
					all = true
				}
			case ir.OpStore:
				all = all || a.somewhere(v)
			case ir.OpCall:
				if m := a.mapArg(v, 0); m != nil && m.Array && len(v.Args) > 1 {
					if x := v.Args[1]; x.Op == ir.OpStackAddr {
						a.kept[x.Slot] = true
					} else {
						all = true
					}
				}
			}
		}
	}
	for i := range a.kept {
		a.kept[i] = a.kept[i] || all
	}
}

// somewhere reports whether v stores to the stack where its address says, with
// callbacks in place.
func (a *analysis) somewhere(v *ir.Value) bool {
	_, _, direct := slotOf(v)
	return v.Op == ir.OpStore && a.spliced != nil && !direct && v.Args[0].Type == ir.PtrStack
}

// scan looks at every value once, for what is rarely there.
func (a *analysis) scan() {
	for _, b := range a.f.Blocks {
		for _, v := range b.Values {
			switch v.Op {
			case ir.OpCall:
				a.noteDynptr(v, abi.HelperByID(int32(v.Aux)))
			case ir.OpCallKfunc:
				a.noteDynptr(v, a.env.kfunc(v.Sym))
			case ir.OpMapAddr:
				if m := a.env.Map(v.Sym); m != nil && len(m.Objects) > 0 {
					a.objects = true
				}
			}
		}
	}
}
