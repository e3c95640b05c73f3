package regalloc

import (
	"math"

	"github.com/whistler-lang/whistler/internal/ir"
)

// weights estimates what spilling each value costs: its uses, tenfold for
// each loop around them.
func (a *allocator) weights() []float64 {
	w := make([]float64, a.f.NumValues())
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
// across calls at once and no more than ten at all.
func (a *allocator) overPressure() (victims []*ir.Value) {
	weight := a.weights()
	gone := make([]bool, a.f.NumValues())
	s := newLiveSet(a.f.NumValues())
	check := func(vs []*ir.Value, extra int, extraCross int) {
		for {
			all, cross := extra, extraCross
			var worst, worstCross *ir.Value
			for _, v := range vs {
				if gone[v.ID] || !a.inReg(v) {
					continue
				}
				all++
				if a.cross[v.ID] {
					cross++
				}
				if a.spill[v.ID] && !a.split[v.ID] || math.IsInf(weight[v.ID], 1) {
					continue
				}
				if worst == nil || weight[v.ID] < weight[worst.ID] {
					worst = v
				}
				if a.cross[v.ID] && (worstCross == nil || weight[v.ID] < weight[worstCross.ID]) {
					worstCross = v
				}
			}
			victim := worst
			if cross > 4 {
				victim = worstCross
				if victim != nil {
					a.split[victim.ID] = true
				}
			} else if all <= numRegs {
				return
			}
			if victim == nil {
				return // colouring will tell
			}
			gone[victim.ID] = true
			victims = append(victims, victim)
		}
	}
	for _, b := range a.f.Blocks {
		a.backward(b, s, func(v *ir.Value, s *liveSet) {
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
			check(s.vs, extra, extraCross)
		})
	}
	return victims
}

// insertSpills puts each of vs into memory: stored behind its definition,
// loaded before each use. Calls, returns and edges read the slot themselves.
// A value that is only in the way of calls (split) stays in its register up
// to the next one, and one load serves until the one after.
func (a *allocator) insertSpills(vs []*ir.Value) {
	const (
		spilled = 1 + iota
		split
	)
	victim := make([]uint8, a.f.NumValues())
	stored := make([]bool, a.f.NumValues())
	for _, v := range vs {
		victim[v.ID] = spilled
		if a.split[v.ID] && !a.spill[v.ID] {
			victim[v.ID] = split
		} else {
			a.split[v.ID] = false
		}
		stored[v.ID] = a.spill[v.ID]
		a.spill[v.ID] = true
	}
	for _, b := range a.f.Blocks {
		old := b.Values
		b.Values = make([]*ir.Value, 0, len(old)+4)
		// A reload serves the uses in the same stretch between two calls;
		// where registers are short, when they are close together.
		type cached struct {
			v  *ir.Value
			at int
		}
		cache := map[int]cached{}
		fix := func(user *ir.Value) {
			if inMemory(user) {
				return
			}
			for i, x := range user.Args {
				kind := victim[x.ID]
				if kind == 0 {
					continue
				}
				c, ok := cache[x.ID]
				if !ok || kind == spilled && len(b.Values)-c.at > 3 {
					from := x
					if x.Op == ir.OpReload {
						from = x.Args[0]
					}
					r := a.f.NewValue(ir.OpReload, user.Pos, from)
					r.Type = x.Type
					a.grow1(r, kind == spilled)
					b.Values = append(b.Values, r)
					c = cached{r, len(b.Values)}
					cache[x.ID] = c
				}
				user.Args[i] = c.v
			}
		}
		for _, v := range old {
			if v.Op == ir.OpReload && victim[v.ID] != 0 {
				continue // its users have their own
			}
			if v.Op != ir.OpSpill {
				fix(v)
			}
			b.Values = append(b.Values, v)
			if v.Op.IsCall() {
				clear(cache)
			}
			if victim[v.ID] == split {
				cache[v.ID] = cached{v: v}
			}
			if victim[v.ID] != 0 && !stored[v.ID] {
				s := a.f.NewValue(ir.OpSpill, v.Pos, v)
				a.grow1(s, true)
				b.Values = append(b.Values, s)
			}
			if victim[v.ID] == spilled {
				a.short[v.ID] = true
			}
		}
		fix(b.Term)
	}
}

func (a *allocator) grow1(v *ir.Value, short bool) {
	for len(a.spill) <= v.ID {
		a.spill = append(a.spill, false)
		a.short = append(a.short, false)
		a.split = append(a.split, false)
	}
	a.short[v.ID] = short
}

// colourSlots gives spilled values their slots; values that are not alive
// together share one.
func (a *allocator) colourSlots() {
	n := a.f.NumValues()
	busy := newLiveSet(n)
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
