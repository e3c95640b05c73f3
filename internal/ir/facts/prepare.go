package facts

import (
	"math/bits"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// prepare finds which values matter, and where they are alive.
func (a *analysis) prepare() {
	n := a.f.NumValues()
	a.need, a.uses = make([]bool, n), make([]int32, n)
	a.vals = make([]Val, n)
	a.layout()
	a.keep()
	a.entry, a.joins = make([][]int32, a.f.NumBlocks()), make([]bool, a.f.NumBlocks())
	a.seenAt = make([][]state, a.f.NumBlocks())
	a.differs = make([]int, a.f.NumBlocks())
	// Most values of a long function are walked once or twice; what has many
	// states there, the verifier does not walk to its end either.
	a.fuel = 1000000 + 60*min(n, 5000) + 10*max(n-5000, 0)
	rpo := a.f.ReversePostorder()
	a.findNeed(rpo)
	a.findAlive(rpo)
}

// operand is v without copies; nil if it has no place in a state.
func operand(v *ir.Value) *ir.Value {
	for v.Op == ir.OpCopy {
		v = v.Args[0]
	}
	switch v.Op {
	case ir.OpConst, ir.OpStackAddr, ir.OpMapAddr:
		return nil
	}
	return v
}

// findNeed marks the values that decide branches, addresses and calls: of
// the others a state says nothing, so that it stays small.
func (a *analysis) findNeed(rpo []*ir.Block) {
	at := make([]int, a.f.NumBlocks())
	preds := make([]int, a.f.NumBlocks())
	feeds := make([][]*ir.Value, a.f.NumValues())
	var work []*ir.Value
	need := func(v *ir.Value) {
		if v = operand(v); v != nil && !a.need[v.ID] {
			a.need[v.ID] = true
			work = append(work, v)
		}
	}
	for i, b := range rpo {
		at[b.ID] = i
	}
	for i, b := range rpo {
		for _, v := range b.Values {
			for _, x := range v.Args {
				a.uses[x.ID]++
			}
			switch {
			case (v.Op == ir.OpStore || v.Op == ir.OpAtomic) && v.Slot == 0 && operand(v.Args[0]) != nil:
				need(v.Args[0])
			case v.Op.IsCall(), v.Op == ir.OpStore, v.Op == ir.OpLoad, v.Op == ir.OpLoadS:
				for _, x := range v.Args {
					need(x)
				}
			case (v.Op == ir.OpAdd || v.Op == ir.OpSub) && v.Type != ir.Scalar:
				for _, x := range v.Args {
					need(x)
				}
			}
		}
		for _, x := range b.Term.Args {
			a.uses[x.ID]++
			if b.Term.Op == ir.OpBr || a.env.Returns != nil {
				need(x)
			}
		}
		for _, e := range b.Succs {
			preds[e.To.ID]++
			a.loops = a.loops || at[e.To.ID] <= i
			for k, x := range e.Args {
				a.uses[x.ID]++
				p := e.To.Params[k]
				feeds[p.ID] = append(feeds[p.ID], x)
			}
		}
	}
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		for _, x := range v.Args {
			need(x)
		}
		for _, x := range feeds[v.ID] {
			need(x)
		}
	}
	for _, b := range rpo {
		a.joins[b.ID] = preds[b.ID] > 1
	}
}

// findAlive lists for each block what a state at its entry has.
func (a *analysis) findAlive(rpo []*ir.Block) {
	var ids []int32 // of the values that matter, by their bit
	bit := make([]int32, a.f.NumValues())
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
	store := make([]uint64, words*a.f.NumBlocks())
	in := func(id int) []uint64 { return store[words*id : words*(id+1)] }
	use := func(set []uint64, v *ir.Value) {
		if v = operand(v); v != nil && a.need[v.ID] {
			set[bit[v.ID]/64] |= 1 << (bit[v.ID] % 64)
		}
	}
	kill := func(set []uint64, v *ir.Value) {
		if a.need[v.ID] {
			set[bit[v.ID]/64] &^= 1 << (bit[v.ID] % 64)
		}
	}
	scratch := make([]uint64, words)
	for changed := true; changed; {
		changed = false
		for i := len(rpo) - 1; i >= 0; i-- {
			b := rpo[i]
			clear(scratch)
			for _, e := range b.Succs {
				for w, x := range in(e.To.ID) {
					scratch[w] |= x
				}
				for k, x := range e.Args {
					if a.need[e.To.Params[k].ID] {
						use(scratch, x)
					}
				}
			}
			for _, x := range b.Term.Args {
				use(scratch, x)
			}
			for j := len(b.Values) - 1; j >= 0; j-- {
				v := b.Values[j]
				kill(scratch, v)
				if v.Op == ir.OpCopy {
					continue
				}
				for _, x := range v.Args {
					use(scratch, x)
				}
			}
			for _, p := range b.Params {
				kill(scratch, p)
			}
			for w, x := range scratch {
				if in(b.ID)[w] != x {
					in(b.ID)[w], changed = x, true
				}
			}
		}
		changed = changed && a.loops
	}
	for _, b := range rpo {
		var list []int32
		for _, p := range b.Params {
			list = append(list, int32(p.ID))
		}
		for w, x := range in(b.ID) {
			for ; x != 0; x &= x - 1 {
				list = append(list, ids[64*w+bits.TrailingZeros64(x)])
			}
		}
		a.entry[b.ID] = list
	}
}

// keep finds the slots of which a state says what is in them: those that are
// read, or hold the index of an array.
func (a *analysis) keep() {
	a.kept = make([]bool, len(a.f.Slots))
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

// scan looks at every value once: is there anything to walk for?
func (a *analysis) scan() {
	a.interesting = a.env.Returns != nil
	for _, b := range a.f.Blocks {
		for _, v := range b.Values {
			switch v.Op {
			case ir.OpCall:
				h := abi.HelperByID(int32(v.Aux))
				if h != nil && (len(h.Args) > 0 || h.Result.Nullable()) {
					a.interesting = true
				}
				a.noteDynptr(v, h)
			case ir.OpCallKfunc:
				a.noteDynptr(v, a.env.kfunc(v.Sym))
			case ir.OpMapAddr:
				if m := a.env.Map(v.Sym); m != nil && len(m.Objects) > 0 {
					a.objects = true
				}
			case ir.OpLoad, ir.OpLoadS, ir.OpStore, ir.OpAtomic:
				slot, off, direct := slotOf(v)
				// What is inside of its slot, at its place, is right.
				inside := direct && off >= 0 && off+int64(v.Size) <= int64(a.f.Slots[slot].Size) && off&int64(v.Size-1) == 0
				a.interesting = a.interesting || v.Type.IsPacket() || v.Type == ir.PtrKernel || !inside
			}
		}
	}
}
