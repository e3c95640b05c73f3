package facts

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// aliveSlots finds at which places somebody still reads the slots whose contents
// states speak of: of others a checkpoint says nothing, as the verifier forgets
// what is not alive.
func (a *analysis) aliveSlots(rpo []*ir.Block) {
	var ids []int // of the kept slots, by their bit
	bit := make([]int, len(a.f.Slots))
	for id, kept := range a.kept {
		if bit[id] = -1; kept && a.f.Slots[id] != nil {
			bit[id] = len(ids)
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return
	}
	a.slotsOf = map[int32][]int{}
	for k, id := range ids {
		lo := a.frame[id]
		for at := lo >> 3; at <= (lo+int64(a.f.Slots[id].Size)-1)>>3; at++ {
			a.slotsOf[int32(at)] = append(a.slotsOf[int32(at)], k)
		}
	}
	words := (len(ids) + 63) / 64
	set := a.words.take(words)
	use := func(v *ir.Value) {
		if v.Op == ir.OpStackAddr && bit[v.Slot] >= 0 {
			set[bit[v.Slot]/64] |= 1 << (bit[v.Slot] % 64)
		}
	}
	// An address that is computed with, or that meets others, may be used
	// anywhere.
	always := a.words.take(words)
	for _, b := range rpo {
		for _, e := range b.Succs {
			for _, x := range e.Args {
				use(original(x))
			}
		}
		for _, v := range b.Values {
			if v.Op.IsCall() || v.Op == ir.OpLoad || v.Op == ir.OpLoadS || v.Op == ir.OpCopy {
				continue
			}
			for i, x := range v.Args {
				if i > 0 || v.Op != ir.OpStore {
					use(original(x))
				}
			}
		}
	}
	copy(always, set)
	l := liveness{set: set, in: a.words.take(words * a.f.NumBlocks()), start: func(*ir.Block) {}}
	l.end = func(*ir.Block) {
		for w, x := range always {
			set[w] |= x
		}
	}
	l.before = func(v *ir.Value) {
		slot, off, direct := slotOf(v)
		switch {
		case v.Op == ir.OpStore && direct:
			if k := bit[slot]; k >= 0 && off == 0 && int(v.Size) == a.f.Slots[slot].Size {
				set[k/64] &^= 1 << (k % 64) &^ always[k/64]
			}
		case v.Op == ir.OpStackAddr:
		default:
			if v.Slot != 0 && bit[v.Slot] >= 0 {
				set[bit[v.Slot]/64] |= 1 << (bit[v.Slot] % 64)
			}
			for _, x := range v.Args {
				use(original(x))
			}
		}
	}
	l.settle(rpo, a.loops)
	l.note(a, rpo, func(p *place) { p.slots = append([]uint64(nil), set...) })
}

// A liveness goes over a function from its end: set is what is alive. end adds
// to what the blocks behind want, before takes it to before a value, start over
// a block's parameters.
type liveness struct {
	set    []uint64
	in     []uint64 // at the beginning of each block, by ID
	end    func(*ir.Block)
	before func(*ir.Value)
	start  func(*ir.Block)
}

// atEnd makes set what is alive at the end of b.
func (l *liveness) atEnd(b *ir.Block) {
	clear(l.set)
	for _, e := range b.Succs {
		for w, x := range l.in[len(l.set)*e.To.ID:][:len(l.set)] {
			l.set[w] |= x
		}
	}
	l.end(b)
}

// settle goes over the blocks until nothing changes; without loops that is
// once.
func (l *liveness) settle(rpo []*ir.Block, loops bool) {
	for changed := true; changed; {
		changed = false
		for i := len(rpo) - 1; i >= 0; i-- {
			b := rpo[i]
			l.atEnd(b)
			for j := len(b.Values) - 1; j >= 0; j-- {
				l.before(b.Values[j])
			}
			l.start(b)
			if in := l.in[len(l.set)*b.ID:][:len(l.set)]; !slices.Equal(in, l.set) {
				copy(in, l.set)
				changed = true
			}
		}
		changed = changed && loops
	}
}

// note calls f at each place of a with set being what is alive there.
func (l *liveness) note(a *analysis, rpo []*ir.Block, f func(*place)) {
	at := func(p *place) {
		if p != nil {
			f(p)
		}
	}
	for _, b := range rpo {
		l.atEnd(b)
		if b.Term.Op == ir.OpBr {
			f(&a.end[b.ID])
		}
		for j := len(b.Values) - 1; j >= 0; j-- {
			v := b.Values[j]
			at(a.after[v.ID])
			l.before(v)
			at(a.before[v.ID])
		}
		l.start(b)
		f(&a.entry[b.ID])
	}
}

// forgetDead drops from g what is in slots that nobody reads behind p.
func (a *analysis) forgetDead(g *globals, p *place) {
	dead := func(w word) bool {
		for _, k := range a.slotsOf[w.at] {
			if p.slots[k/64]>>(k%64)&1 != 0 {
				return false
			}
		}
		return true
	}
	if slices.ContainsFunc(g.stack, dead) {
		h := g.own()
		h.stack = slices.DeleteFunc(h.stack, dead)
	}
}
