package regalloc

import (
	"math"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/slab"
)

// colour gives every value a register, in dominance order: first the values
// that live across calls, which must share R6 to R9, then the others around
// them. It returns a value to spill where that fails, nil when all is well.
func (a *allocator) colour() *ir.Value {
	conflict := make([]uint16, a.f.NumValues())
	hints := a.hints()
	defer hintRooms.Give(hints.any.Room)
	if v := a.colourClass(true, conflict, hints); v != nil {
		return v
	}
	// What a value that does not cross a call must keep clear of: crossing
	// values that are born while it lives.
	s := newLiveSet(a.f)
	for _, b := range a.f.Blocks {
		a.backward(b, s, func(v *ir.Value, s *liveSet) {
			var born uint16
			switch {
			case v == nil:
				for _, p := range b.Params {
					if a.cross[p.ID] && a.inReg(p) {
						born |= 1 << a.loc[p.ID]
					}
				}
			case a.cross[v.ID] && v.Op.HasResult():
				born = 1 << a.loc[v.ID]
			}
			if v != nil && !v.Op.IsCall() {
				c := clobbers(v)
				for i, x := range v.Args {
					if keepArg(v, i) && a.regUse(v, x) {
						conflict[x.ID] |= born | c
					}
				}
			}
			if v != nil {
				born |= clobbers(v)
			}
			for _, w := range s.vs {
				if w != v {
					conflict[w.ID] |= born
				}
			}
		})
	}
	return a.colourClass(false, conflict, hints)
}

// colourClass colours the values whose cross is crossing.
func (a *allocator) colourClass(crossing bool, conflict []uint16, hints *hints) *ir.Value {
	s := newLiveSet(a.f)
	var weight []float64
	n := a.f.NumValues()
	outOf, usedIn, last := a.f.Ints(n), a.f.Ints(n), a.f.Ints(n) // by value
	for k, b := range a.live.dom.RPO {
		here := int32(k + 1) // names b in outOf and usedIn
		s.reset(a.live.in[b.ID])
		var busy uint16
		for _, v := range s.vs {
			if a.loc[v.ID] >= 0 {
				busy |= 1 << a.loc[v.ID]
			}
		}
		for _, v := range a.live.out[b.ID] {
			outOf[v.ID] = here
		}
		for i, v := range b.Values {
			for _, x := range v.Args {
				if a.regUse(v, x) {
					usedIn[x.ID], last[x.ID] = here, int32(i)
				}
			}
		}
		for _, x := range b.Term.Args {
			if a.regUse(b.Term, x) {
				usedIn[x.ID], last[x.ID] = here, int32(len(b.Values))
			}
		}
		free := func(x *ir.Value, i int) {
			if outOf[x.ID] != here && usedIn[x.ID] == here && last[x.ID] == int32(i) && a.loc[x.ID] >= 0 && s.has(x) {
				s.remove(x)
				busy &^= 1 << a.loc[x.ID]
			}
		}
		place := func(v *ir.Value, keep uint16) *ir.Value {
			if a.loc[v.ID] < 0 && a.cross[v.ID] == crossing {
				allowed := uint16(allRegs)
				if crossing {
					allowed = calleeSaved
				}
				allowed &^= busy | keep | conflict[v.ID]
				if allowed == 0 {
					if weight == nil {
						weight = a.weights()
					}
					victim := v
					for _, w := range s.vs {
						if a.cross[w.ID] == crossing && weight[w.ID] < weight[victim.ID] {
							victim = w
						}
					}
					if !crossing {
						a.heat(victim, b)
					}
					return victim
				}
				a.loc[v.ID] = a.choose(v, allowed, hints)
			}
			if a.loc[v.ID] >= 0 {
				s.add(v)
				busy |= 1 << a.loc[v.ID]
			}
			return nil
		}
		dead := func(v *ir.Value) bool { return outOf[v.ID] != here && usedIn[v.ID] != here }
		for _, p := range b.Params { // those of the other class have their places
			if a.inReg(p) && a.loc[p.ID] >= 0 {
				s.add(p)
				busy |= 1 << a.loc[p.ID]
			}
		}
		for _, p := range b.Params {
			if a.inReg(p) {
				if victim := place(p, 0); victim != nil {
					return victim
				}
			}
		}
		for _, p := range b.Params {
			if a.inReg(p) && dead(p) && a.loc[p.ID] >= 0 {
				s.remove(p)
				busy &^= 1 << a.loc[p.ID]
			}
		}
		for i, v := range b.Values {
			if v.Remat() {
				continue
			}
			var keep uint16
			for j, x := range v.Args {
				if a.regUse(v, x) && a.loc[x.ID] >= 0 && keepArg(v, j) {
					keep |= 1 << a.loc[x.ID]
				}
			}
			for _, x := range v.Args {
				if a.regUse(v, x) {
					free(x, i)
				}
			}
			if !v.Op.HasResult() {
				continue
			}
			if victim := place(v, keep); victim != nil {
				return victim
			}
			if dead(v) && a.loc[v.ID] >= 0 {
				s.remove(v)
				busy &^= 1 << a.loc[v.ID]
			}
		}
	}
	return nil
}

// A hint is a register that would save a move: a fixed one, or that of
// another value.
type hint struct {
	reg    Loc
	as     *ir.Value
	weight float64
}

// hints are the places where values would be at home: any, and the fixed ones,
// with those that they have of what is computed from them in place.
type hints struct{ any, fixed slab.Lists[hint] } // by value, in one room

var hintRooms slab.Rooms[slab.Item[hint]]

// hints collects them; their room is to go back.
func (a *allocator) hints() *hints {
	n := a.f.NumValues()
	room := hintRooms.Take(4 * n)
	h := &hints{slab.Lists[hint]{Room: room, First: a.f.Ints(n), Last: a.f.Ints(n)}, slab.Lists[hint]{Room: room, First: a.f.Ints(n), Last: a.f.Ints(n)}}
	pair := func(v, w *ir.Value, weight float64) {
		if !v.Remat() && !w.Remat() {
			h.any.Add(v.ID, hint{reg: None, as: w, weight: weight})
			h.any.Add(w.ID, hint{reg: None, as: v, weight: weight})
		}
	}
	fixed := func(v *ir.Value, r Loc, weight float64) {
		if !v.Remat() {
			h.any.Add(v.ID, hint{reg: r, weight: weight})
			h.fixed.Add(v.ID, hint{reg: r, weight: weight})
		}
	}
	for i, p := range a.f.Blocks[0].Params {
		fixed(p, Loc(1+i), 1)
	}
	for _, b := range a.f.Blocks {
		w := math.Pow(10, float64(min(b.Depth, 6)))
		for _, v := range b.Values {
			switch {
			case v.Op.IsCall():
				fixed(v, 0, w)
				for i, x := range v.Args {
					fixed(x, Loc(1+i), w)
				}
			case v.Op == ir.OpAtomic && v.Op.HasResult() && len(v.Args) > 0:
				if v.Sym == "cmpxchg" {
					fixed(v, 0, w)
				} else {
					pair(v, v.Args[len(v.Args)-1], w)
				}
			case v.Op.Compares() || v.Op == ir.OpReload:
			case len(v.Args) > 0 && v.Op.HasResult() && v.Op != ir.OpLoad && v.Op != ir.OpLoadS:
				pair(v, v.Args[0], w)
				if v.Op.Commutes() && len(v.Args) > 1 {
					pair(v, v.Args[1], w/2)
				}
			}
		}
		if b.Term.Op == ir.OpRet && len(b.Term.Args) > 0 {
			fixed(b.Term.Args[0], 0, w)
		}
		for _, e := range b.Succs {
			for i, x := range e.Args {
				pair(e.To.Params[i], x, w)
			}
		}
	}
	// A value that is computed upon in place wants what its result wants.
	inherit := func(v, from *ir.Value) {
		if v.Remat() || h.fixed.Longer(v.ID, 4) {
			return
		}
		h.fixed.Each(from.ID, func(x hint) bool {
			h.fixed.Add(v.ID, hint{reg: x.reg, weight: x.weight / 2})
			return true
		})
	}
	for i := len(a.live.dom.RPO) - 1; i >= 0; i-- {
		b := a.live.dom.RPO[i]
		for _, e := range b.Succs {
			for j, x := range e.Args {
				inherit(x, e.To.Params[j])
			}
		}
		for k := len(b.Values) - 1; k >= 0; k-- {
			v := b.Values[k]
			if !v.Op.IsCall() && !v.Op.Compares() && v.Op.HasResult() && len(v.Args) > 0 &&
				v.Op != ir.OpLoad && v.Op != ir.OpLoadS && v.Op != ir.OpReload && v.Op != ir.OpAtomic {
				inherit(v.Args[0], v)
			}
		}
	}
	return h
}

// order is the order of preference among registers that nobody asks for:
// those that calls want for their first arguments come late.
var order = [numRegs]Loc{0, 5, 4, 3, 2, 1, 6, 7, 8, 9}

// choose picks the register of allowed with the most hints. Where a partner
// has no register yet, what it wants counts half.
func (a *allocator) choose(v *ir.Value, allowed uint16, h *hints) Loc {
	var score [numRegs]float64
	h.any.Each(v.ID, func(x hint) bool {
		switch {
		case x.as == nil:
			score[x.reg] += x.weight
		case a.loc[x.as.ID] >= 0:
			score[a.loc[x.as.ID]] += x.weight
		default:
			h.fixed.Each(x.as.ID, func(far hint) bool {
				score[far.reg] += far.weight / 2
				return true
			})
		}
		return true
	})
	best := None
	for _, r := range order {
		if allowed&(1<<r) != 0 && (best == None || score[r] > score[best]) {
			best = r
		}
	}
	return best
}
