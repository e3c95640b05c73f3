package facts

import "github.com/whistler-lang/whistler/internal/ir"

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
	set := make([]uint64, words)
	use := func(v *ir.Value) {
		if v.Op == ir.OpStackAddr && bit[v.Slot] >= 0 {
			set[bit[v.Slot]/64] |= 1 << (bit[v.Slot] % 64)
		}
	}
	// An address that is computed with, or that meets others, may be used
	// anywhere.
	always := make([]uint64, words)
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
	before := func(v *ir.Value) {
		slot, off, direct := slotOf(v)
		switch {
		case v.Op == ir.OpStore && direct:
			if k := bit[slot]; k >= 0 && off == 0 && int(v.Size) == a.f.Slots[slot].Size {
				set[k/64] &^= 1 << (k % 64)
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
	in := make([]uint64, words*a.f.NumBlocks())
	atEnd := func(b *ir.Block) {
		copy(set, always)
		for _, e := range b.Succs {
			for w := range set {
				set[w] |= in[words*e.To.ID+w]
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for i := len(rpo) - 1; i >= 0; i-- {
			b := rpo[i]
			atEnd(b)
			for j := len(b.Values) - 1; j >= 0; j-- {
				before(b.Values[j])
			}
			for w, x := range set {
				x |= always[w]
				if in[words*b.ID+w] != x {
					in[words*b.ID+w], changed = x, true
				}
			}
		}
		changed = changed && a.loops
	}
	note := func(p *place) {
		p.slots = append([]uint64(nil), set...)
		for w, x := range always {
			p.slots[w] |= x
		}
	}
	for _, b := range rpo {
		atEnd(b)
		note(&a.end[b.ID])
		for j := len(b.Values) - 1; j >= 0; j-- {
			v := b.Values[j]
			if p := a.after[v.ID]; p != nil {
				note(p)
			}
			before(v)
			if p := a.before[v.ID]; p != nil {
				note(p)
			}
		}
		note(&a.entry[b.ID])
	}
}

// forgetDead drops from g what is in slots that nobody reads behind p.
func (a *analysis) forgetDead(g *globals, p *place) {
	kept := g.stack[:0]
	for _, w := range g.stack {
		for _, k := range a.slotsOf[w.at] {
			if p.slots[k/64]>>(k%64)&1 != 0 {
				kept = append(kept, w)
				break
			}
		}
	}
	g.stack = kept
}
