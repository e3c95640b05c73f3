package regalloc

import (
	"math"

	"github.com/whistler-lang/whistler/internal/ir"
)

// weights estimates what spilling each value costs: its uses, tenfold for
// each loop around them.
func (a *allocator) weights() []float64 {
	w := a.f.Floats(a.f.NumValues())
	for _, b := range a.f.Blocks {
		cost := math.Pow(10, float64(min(b.Depth, 6)))
		b.Uses(func(p **ir.Value) { w[(*p).ID] += cost })
		for _, v := range b.Values {
			w[v.ID] += cost
		}
		for _, p := range b.Params {
			w[p.ID] += cost
		}
	}
	for id, short := range a.short {
		if short {
			w[id] = math.Inf(1)
		}
	}
	return w
}

// overPressure picks values to spill until no more than four are alive
// across calls at once and no more than ten at all. Where only the latter is
// too much, the block is hot for the value.
func (a *allocator) overPressure() (victims []*ir.Value) {
	weight := a.weights()
	gone := a.f.Bools(a.f.NumValues())
	next := a.f.Ints(a.f.NumValues()) // where each value is used next, counted from the end
	s := newLiveSet(a.f)
	check := func(b *ir.Block, at int, vs []*ir.Value, extra int, extraCross int) {
		for {
			all, cross := extra, extraCross
			var worst, worstCross *ir.Value
			least := math.Inf(1)
			for _, v := range vs {
				if gone[v.ID] || !a.inReg(v) {
					continue
				}
				all++
				if a.cross[v.ID] {
					cross++
				}
				if math.IsInf(weight[v.ID], 1) {
					continue
				}
				// What is used late is the better one to go.
				if w := weight[v.ID] / float64(1+at-int(next[v.ID])); worst == nil || w < least {
					worst, least = v, w
				}
				if a.cross[v.ID] && (worstCross == nil || weight[v.ID] < weight[worstCross.ID]) {
					worstCross = v
				}
			}
			victim := worst
			if cross > 4 {
				victim = worstCross
			} else if all <= numRegs {
				return
			}
			if victim == nil {
				return // colouring will tell
			}
			if cross <= 4 {
				a.heat(victim, b)
			}
			gone[victim.ID] = true
			victims = append(victims, victim)
		}
	}
	for _, b := range a.f.Blocks {
		at := 0
		for _, v := range a.live.out[b.ID] {
			next[v.ID] = -elsewhere
		}
		for _, x := range b.Term.Args {
			next[x.ID] = 0
		}
		a.backward(b, s, func(v *ir.Value, s *liveSet) {
			at++
			extra, extraCross := 0, 0
			if v != nil && v.Op.HasResult() && !s.has(v) {
				extra = 1 // a result that nobody wants takes a register all the same
				if a.cross[v.ID] {
					extraCross = 1
				}
			}
			if v != nil && !v.Op.IsCall() { // arguments that the result must not overwrite
				for i, x := range v.Args {
					if keepArg(v, i) && a.regUse(v, x) && !s.has(x) && !gone[x.ID] {
						extra++
					}
				}
			}
			if v == nil {
				for _, p := range b.Params {
					if a.inReg(p) && !s.has(p) && !gone[p.ID] {
						extra++
					}
				}
			}
			check(b, at, s.vs, extra, extraCross)
			if v != nil {
				for _, x := range v.Args {
					next[x.ID] = int32(at)
				}
			}
		})
	}
	return victims
}

// elsewhere is how far away a use in another block counts.
const elsewhere = 20

// heat notes that v cannot stay in a register throughout b.
func (a *allocator) heat(v *ir.Value, b *ir.Block) {
	if a.hot[v.ID] == nil {
		a.hot[v.ID] = map[int]bool{}
	}
	a.hot[v.ID][b.ID] = true
}

// insertSpills puts each of vs into memory: stored behind its definition,
// loaded before each use. Calls, returns and edges read the slot themselves.
// A value stays in its register up to the next call, and one load serves
// until the one after; in blocks that are hot for it, each use, or a few close
// together, have a load.
func (a *allocator) insertSpills(vs []*ir.Value) {
	victim := make([]bool, a.f.NumValues())
	stored := make([]bool, a.f.NumValues())
	for _, v := range vs {
		victim[v.ID] = true
		stored[v.ID] = a.spill[v.ID] || v.Op == ir.OpReload
		if v.Op != ir.OpReload {
			a.spill[v.ID] = true
		}
	}
	type cached struct {
		v  *ir.Value
		at int
	}
	preds := a.live.dom.Preds
	ends := make([]map[int]cached, a.f.NumBlocks())
	spillIn := func(b *ir.Block) {
		old := b.Values
		b.Values = make([]*ir.Value, 0, len(old)+4)
		// What is in a register behind the only block before is here too.
		cache := map[int]cached{}
		if ps := preds[b.ID]; len(ps) == 1 {
			for id, c := range ends[ps[0].ID] {
				if !a.hot[id][b.ID] {
					cache[id] = c
				}
			}
		}
		fix := func(user *ir.Value) {
			if inMemory(user) {
				return
			}
			for i, x := range user.Args {
				if !victim[x.ID] {
					continue
				}
				c, ok := cache[x.ID]
				hot := a.hot[x.ID][b.ID]
				if !ok || hot && len(b.Values)-c.at > 3 {
					from := x
					if x.Op == ir.OpReload {
						from = x.Args[0]
					}
					r := a.f.NewValue(ir.OpReload, user.Pos, from)
					r.Type = x.Type
					a.grow1(r, hot)
					b.Values = append(b.Values, r)
					c = cached{r, len(b.Values)}
					cache[x.ID] = c
				}
				user.Args[i] = c.v
			}
		}
		for _, v := range old {
			if v.Op == ir.OpReload && victim[v.ID] {
				continue // its users have their own
			}
			if v.Op != ir.OpSpill {
				fix(v)
			}
			b.Values = append(b.Values, v)
			if v.Op.IsCall() {
				clear(cache)
			}
			if victim[v.ID] {
				hot := a.hot[v.ID][b.ID]
				if !hot {
					cache[v.ID] = cached{v: v}
				}
				if !stored[v.ID] {
					s := a.f.NewValue(ir.OpSpill, v.Pos, v)
					a.grow1(s, true)
					b.Values = append(b.Values, s)
				}
				a.short[v.ID] = a.short[v.ID] || hot
			}
		}
		fix(b.Term)
		for id := range cache {
			if a.hot[id][b.ID] {
				delete(cache, id)
			}
		}
		ends[b.ID] = cache
	}
	for _, b := range a.live.dom.RPO {
		spillIn(b)
	}
	for _, b := range a.f.Blocks {
		if ends[b.ID] == nil {
			spillIn(b)
		}
	}
}

func (a *allocator) grow1(v *ir.Value, short bool) {
	for len(a.spill) <= v.ID {
		a.spill = append(a.spill, false)
		a.short = append(a.short, false)
	}
	a.short[v.ID] = short
}

// colourSlots gives spilled values their slots; values that are not alive
// together share one.
func (a *allocator) colourSlots() {
	busy := newLiveSet(a.f)
	// Where a value's slot is read last in each block.
	for _, b := range a.live.dom.RPO {
		busy.reset(a.live.memIn[b.ID])
		out := map[*ir.Value]bool{}
		for _, v := range a.live.memOut[b.ID] {
			out[v] = true
		}
		last := map[*ir.Value]int{}
		for i, v := range b.Values {
			if inMemory(v) {
				for _, x := range v.Args {
					if a.spill[x.ID] {
						last[x] = i
					}
				}
			}
		}
		for _, x := range b.Term.Args {
			if a.spill[x.ID] {
				last[x] = len(b.Values)
			}
		}
		take := func(v *ir.Value) {
			used := map[Loc]bool{}
			for _, w := range busy.vs {
				used[a.mem[w.ID]] = true
			}
			l := Slot0
			for used[l] {
				l++
			}
			a.mem[v.ID] = l
			a.slots = max(a.slots, int(l-Slot0)+1)
			busy.add(v)
		}
		for _, p := range b.Params {
			if a.spill[p.ID] {
				take(p)
			}
		}
		for _, p := range b.Params {
			if _, used := last[p]; a.spill[p.ID] && !out[p] && !used {
				busy.remove(p)
			}
		}
		for i, v := range b.Values {
			if inMemory(v) {
				for _, x := range v.Args {
					if a.spill[x.ID] && last[x] == i && !out[x] {
						busy.remove(x)
					}
				}
			}
			if v.Op == ir.OpSpill {
				x := v.Args[0]
				take(x)
				if _, used := last[x]; !used && !out[x] {
					busy.remove(x)
				}
			}
		}
	}
}
