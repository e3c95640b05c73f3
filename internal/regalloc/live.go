package regalloc

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/slab"
)

// liveness holds, per block ID, the values alive at its start and end; in
// registers, and (memIn, memOut) in spill slots. Lists are short, so
// they are slices.
type liveness struct {
	in, out       [][]*ir.Value
	memIn, memOut [][]*ir.Value
	dom           *ir.DomTree
}

// A use of a value.
type use struct {
	b   *ir.Block
	end bool // at the end of b, on an edge
}

var useLists slab.Rooms[slab.Item[use]]

// computeLiveness walks from each use up to the definition, so its cost is
// the length of the live ranges.
func computeLiveness(f *ir.Func, spill []bool) *liveness {
	n := f.NumBlocks()
	lists := f.ValueLists(4 * n)
	l := &liveness{in: lists[:n], out: lists[n : 2*n], memIn: lists[2*n : 3*n], memOut: lists[3*n:], dom: ir.Dominators(f)}
	preds := l.dom.Preds
	def, values := f.BlockTable(f.NumValues()), f.ValueTable(f.NumValues())
	for _, b := range f.Blocks {
		for _, p := range b.Params {
			def[p.ID], values[p.ID] = b, p
		}
		for _, v := range b.Values {
			def[v.ID], values[v.ID] = b, v
		}
	}
	// Uses grouped by value, so that a block is entered once per value.
	some := 0
	for _, b := range f.Blocks {
		some += len(b.Term.Args)
		for _, v := range b.Values {
			some += len(v.Args)
		}
		for i := range b.Succs {
			some += len(b.Succs[i].Args)
		}
	}
	room := useLists.Take(some)
	defer useLists.Give(room)
	uses := slab.Lists[use]{Room: room, First: f.Ints(2 * f.NumValues()), Last: f.Ints(2 * f.NumValues())} // two lists by value
	add := func(v *ir.Value, mem bool, u use) {
		if v.Remat() {
			return
		}
		k := 2 * v.ID
		if mem && spill[v.ID] {
			k++
		}
		uses.Add(k, u)
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			for _, a := range v.Args {
				add(a, inMemory(v), use{b: b})
			}
		}
		for _, a := range b.Term.Args {
			add(a, inMemory(b.Term), use{b: b})
		}
		for _, e := range b.Succs {
			for _, a := range e.Args {
				add(a, true, use{b: b, end: true})
			}
		}
	}
	seenIn, seenOut := f.Ints(n), f.Ints(n)
	mark := int32(0)
	work := f.BlockTable(n)[:0]
	for id := range f.NumValues() {
		for k := range 2 {
			if uses.End(2*id+k) == nil {
				continue
			}
			mark++
			in, out := l.in, l.out
			if k == 1 {
				in, out = l.memIn, l.memOut
			}
			v := values[id]
			liveOut := func(b *ir.Block) {
				if seenOut[b.ID] == mark {
					return
				}
				seenOut[b.ID] = mark
				out[b.ID] = f.AddTo(out[b.ID], v)
				work = append(work, b)
			}
			liveIn := func(b *ir.Block) {
				if b == def[id] || seenIn[b.ID] == mark {
					return
				}
				seenIn[b.ID] = mark
				in[b.ID] = f.AddTo(in[b.ID], v)
				for _, p := range preds[b.ID] {
					liveOut(p)
				}
			}
			uses.Each(2*id+k, func(u use) bool {
				if u.end {
					liveOut(u.b)
				} else {
					liveIn(u.b)
				}
				for len(work) > 0 {
					b := work[len(work)-1]
					work = work[:len(work)-1]
					liveIn(b)
				}
				return true
			})
		}
	}
	return l
}

// A liveSet is a small set of values.
type liveSet struct {
	vs []*ir.Value
	at []int32 // index+1 in vs, by value ID
}

func newLiveSet(f *ir.Func) *liveSet {
	return &liveSet{vs: f.ValueTable(32)[:0], at: f.Ints(f.NumValues())}
}

func (s *liveSet) reset(vs []*ir.Value) {
	for _, v := range s.vs {
		s.at[v.ID] = 0
	}
	s.vs = s.vs[:0]
	for _, v := range vs {
		s.add(v)
	}
}

func (s *liveSet) has(v *ir.Value) bool { return s.at[v.ID] != 0 }

func (s *liveSet) add(v *ir.Value) {
	if s.at[v.ID] == 0 {
		s.vs = append(s.vs, v)
		s.at[v.ID] = int32(len(s.vs))
	}
}

func (s *liveSet) remove(v *ir.Value) {
	i := s.at[v.ID]
	if i == 0 {
		return
	}
	last := s.vs[len(s.vs)-1]
	s.vs[i-1] = last
	s.at[last.ID] = i
	s.vs = s.vs[:len(s.vs)-1]
	s.at[v.ID] = 0
}

// regUse reports whether user takes its argument v from a register.
func (a *allocator) regUse(user, v *ir.Value) bool {
	return !v.Remat() && !(a.spill[v.ID] && inMemory(user))
}

// inReg reports whether the definition v gets a register: parameters that
// are spilled live in memory from the start.
func (a *allocator) inReg(v *ir.Value) bool {
	return v.Op.HasResult() && !v.Remat() && !(v.Op == ir.OpParam && a.spill[v.ID])
}

// backward walks the points of b from its end: visit is called for each
// value with the set alive behind it (its result included, when used), and
// with nil at the start of the block.
func (a *allocator) backward(b *ir.Block, s *liveSet, visit func(v *ir.Value, s *liveSet)) {
	s.reset(a.live.out[b.ID])
	for _, x := range b.Term.Args {
		if a.regUse(b.Term, x) {
			s.add(x)
		}
	}
	for i := len(b.Values) - 1; i >= 0; i-- {
		v := b.Values[i]
		if v.Remat() {
			continue
		}
		visit(v, s)
		s.remove(v)
		for _, x := range v.Args {
			if a.regUse(v, x) {
				s.add(x)
			}
		}
	}
	visit(nil, s)
}

// findCrossing marks the values that are alive across a call.
func (a *allocator) findCrossing() {
	s := newLiveSet(a.f)
	for _, b := range a.f.Blocks {
		a.backward(b, s, func(v *ir.Value, s *liveSet) {
			if v != nil && v.Op.IsCall() {
				for _, w := range s.vs {
					if w != v {
						a.cross[w.ID] = true
					}
				}
			}
		})
	}
}
