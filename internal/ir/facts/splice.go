package facts

import (
	"maps"
	"slices"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// The verifier walks what a helper calls back as a loop around the call, in the
// caller's state. So does the analysis, in a copy of the caller which has its
// callbacks in place:
//
//	b: ... r = call loop n f frame; rest   =>   b:     ... jump head
//	                                            head:  go on behind, or into f
//	                                            f:     ... jump head
//	                                            after: r = call; rest

// A callback is the place of one in such a copy.
type callback struct {
	call  *ir.Value
	level int         // how many callbacks are around it
	place *place      // where the call is
	body  []*ir.Block // the callback's, the entry first; its own callbacks' blocks are not among them
	slots []int       // of the callback's frame
	head  *ir.Block   // see above
}

// A Body is a function that a helper may call back.
type Body struct {
	Func  *ir.Func
	Shape *Shape // nil if it is not known
}

// mostLevels is how deep callbacks may be in each other, mostSpliced how many
// values the copy may have: what has more, the verifier has to judge alone.
const (
	mostLevels  = 4
	mostSpliced = 5000
)

// A splicer makes the copy.
type splicer struct {
	f     *ir.Func
	env   *Env
	shape *Shape
	spliced
}

// What the analysis knows of a copy.
type spliced struct {
	heads   []*callback     // by block: those at whose end the verifier comes by the call
	returns []*callback     // by block: those that end where the callback returns
	called  []*callback     // by value: the calls
	within  []*callback     // by block: the callback that it is of
	frames  map[int][]int32 // by slot: the cells of its words
	cells   []int32         // by value: the cell that a load reads, or a store writes; 0: none
	first   int             // the number of the first cell
	loops   bool            // there are loops beside those of the callbacks
	begins  []int           // the first slots of the callbacks' own frames
}

// head, returning and calls look into what is known of a copy; nil is of one
// that has no callbacks in place.
func (s *spliced) head(b *ir.Block) *callback {
	if s == nil {
		return nil
	}
	return s.heads[b.ID]
}

func (s *spliced) returning(b *ir.Block) *callback {
	if s == nil {
		return nil
	}
	return s.returns[b.ID]
}

func (s *spliced) calls(v *ir.Value) bool { return s != nil && s.called[v.ID] != nil }

// CallsBack reports whether v is the call of a helper that calls a function
// before it returns.
func CallsBack(v *ir.Value) bool { return calledBack(v) != "" }

// calledBack is the function that v, a call of a helper, makes the kernel call
// before it returns; "" if there is none.
func calledBack(v *ir.Value) string {
	if v.Op != ir.OpCall {
		return ""
	}
	for _, x := range v.Args {
		if fn := original(x); fn.Op == ir.OpMapAddr && fn.Type == ir.PtrFunc {
			if h := abi.HelperByID(int32(v.Aux)); h != nil && slices.Contains(h.Args, abi.ArgCallbackCtx) {
				return fn.Sym
			}
		}
	}
	return ""
}

// splice gives the copy; nil if nothing is called back, or where the copy
// would not say what the verifier walks.
func splice(f *ir.Func, env *Env) *splicer {
	if env.Callback == nil || !slices.ContainsFunc(f.Blocks, func(b *ir.Block) bool {
		return slices.ContainsFunc(b.Values, func(v *ir.Value) bool { return calledBack(v) != "" })
	}) {
		return nil
	}
	s := &splicer{f: f.Clone(), env: env, spliced: spliced{frames: map[int][]int32{}}}
	if old := env.Shape; old != nil {
		s.shape = &Shape{slices.Clone(old.Insns), slices.Clone(old.Jumps), slices.Clone(old.Ends), map[int]uint16{}, map[int]Branches{}}
		maps.Copy(s.shape.Behind, old.Behind)
		maps.Copy(s.shape.Branches, old.Branches)
	}
	s.loops = loops(f)
	s.grow()
	for i := 0; i < len(s.f.Blocks); i++ {
		b := s.f.Blocks[i]
		for k, v := range b.Values {
			if calledBack(v) == "" || s.called[v.ID] != nil {
				continue
			}
			if !s.put(b, k) {
				return nil
			}
			break // what follows the call is a new block behind
		}
	}
	if !s.findCells() {
		return nil
	}
	return s
}

// loops reports whether there is a loop in f, whose depths are known when it is
// ready for the allocator.
func loops(f *ir.Func) bool {
	return slices.ContainsFunc(f.Blocks, func(b *ir.Block) bool { return b.Depth > 0 })
}

// grow makes what goes by values and blocks long enough.
func (s *splicer) grow() {
	n, blocks := s.f.NumValues(), s.f.NumBlocks()
	s.called = append(s.called, make([]*callback, n-len(s.called))...)
	s.heads = append(s.heads, make([]*callback, blocks-len(s.heads))...)
	s.returns = append(s.returns, make([]*callback, blocks-len(s.returns))...)
	s.within = append(s.within, make([]*callback, blocks-len(s.within))...)
	if s.shape != nil {
		s.shape.Insns = append(s.shape.Insns, make([]uint16, n-len(s.shape.Insns))...)
		s.shape.Jumps = append(s.shape.Jumps, make([]uint16, n-len(s.shape.Jumps))...)
		s.shape.Ends = append(s.shape.Ends, make([]End, blocks-len(s.shape.Ends))...)
	}
}

// put puts the callback of value k of b in place; false if it cannot.
func (s *splicer) put(b *ir.Block, k int) bool {
	call := b.Values[k]
	body, frame := s.env.Callback(calledBack(call)), s.frameOf(call)
	if body == nil || frame == nil || !s.fits(body) {
		return false
	}
	cb := &callback{call: call, head: s.f.NewBlock()}
	if out := s.within[b.ID]; out != nil {
		cb.level = out.level + 1
	}
	if cb.level >= mostLevels {
		return false
	}
	s.loops = s.loops || loops(body.Func)
	after := s.f.NewBlock()
	after.Values, after.Term, after.Succs = b.Values[k:], b.Term, b.Succs
	b.Values, b.Term, b.Succs = b.Values[:k:k], s.f.NewValue(ir.OpJump, call.Pos), []ir.Edge{{To: cb.head}}
	s.copy(cb, body.Func, frame)
	cb.head.Term = s.f.NewValue(ir.OpBr, call.Pos)
	cb.head.Succs = []ir.Edge{{To: after}, {To: cb.body[0]}}
	s.grow()
	s.place(cb, b, after)
	if s.shape != nil {
		s.measure(cb, body, b, after)
	}
	return true
}

// frameOf is the frame that a call hands out: the address of a slot, or 0; nil
// if it is something else.
func (s *splicer) frameOf(call *ir.Value) *ir.Value {
	h := abi.HelperByID(int32(call.Aux))
	frame, _ := call.Operand(slices.Index(h.Args, abi.ArgCallbackCtx))
	if frame == nil {
		return nil
	}
	frame = original(frame)
	if frame.Op == ir.OpStackAddr && frame.Aux == 0 {
		s.frames[frame.Slot] = nil
	} else if n, ok := frame.IsConst(); !ok || n != 0 {
		return nil
	}
	return frame
}

// fits reports whether the copy may have the callback: it is not too long then, and
// nothing jumps to its entry, whose last parameter is the frame.
func (s *splicer) fits(body *Body) bool {
	f := body.Func
	return (body.Shape == nil) == (s.shape == nil) && s.f.NumValues()+f.NumValues() <= mostSpliced && len(f.Blocks[0].Params) > 0 &&
		!slices.ContainsFunc(f.Blocks, func(b *ir.Block) bool {
			return slices.ContainsFunc(b.Succs, func(e ir.Edge) bool { return e.To == f.Blocks[0] })
		})
}

// place notes what b, the call's block, and the new ones are.
func (s *splicer) place(cb *callback, b, after *ir.Block) {
	s.called[cb.call.ID], s.heads[cb.head.ID] = cb, cb
	s.within[cb.head.ID], s.within[after.ID] = s.within[b.ID], s.within[b.ID]
	s.returns[after.ID], s.returns[b.ID] = s.returns[b.ID], nil
	for _, g := range cb.body {
		s.within[g.ID] = cb
		if g.Term.Op == ir.OpJump && g.Succs[0].To == cb.head {
			s.returns[g.ID] = cb
		}
	}
}

// copy adds a copy of g, the callback, to the function: its frame pointer is the
// caller's frame, and it returns to the head.
func (s *splicer) copy(cb *callback, g *ir.Func, frame *ir.Value) {
	slots := make([]int, len(g.Slots))
	s.begins = append(s.begins, len(s.f.Slots))
	for i, x := range g.Slots {
		if x != nil {
			slots[i] = s.f.NewSlot(x.Size, x.Name, x.Pos)
			cb.slots = append(cb.slots, slots[i])
		}
	}
	values, blocks := make([]*ir.Value, g.NumValues()), make([]*ir.Block, g.NumBlocks())
	copyOf := func(v *ir.Value) *ir.Value {
		w := s.f.NewValue(v.Op, v.Pos)
		id := w.ID
		*w = *v
		w.ID, w.Slot = id, slots[v.Slot]
		values[v.ID] = w
		return w
	}
	for i, b := range g.Blocks {
		nb := s.f.NewBlock()
		blocks[b.ID] = nb
		cb.body = append(cb.body, nb)
		for k, p := range b.Params {
			if i == 0 && k == len(b.Params)-1 {
				values[p.ID] = frame
			} else {
				nb.Params = append(nb.Params, copyOf(p))
			}
		}
		for _, v := range b.Values {
			nb.Append(copyOf(v))
		}
		nb.Term = copyOf(b.Term)
	}
	args := func(old []*ir.Value) (out []*ir.Value) {
		for _, x := range old {
			w := values[x.ID]
			if original(w) == frame {
				w = frame
			}
			out = append(out, w)
		}
		return out
	}
	for i, b := range g.Blocks {
		nb := cb.body[i]
		for k, v := range b.Values {
			nb.Values[k].Args = args(v.Args)
		}
		nb.Term.Args = args(b.Term.Args)
		for _, e := range b.Succs {
			nb.Succs = append(nb.Succs, ir.Edge{To: blocks[e.To.ID], Args: args(e.Args)})
		}
		if b.Term.Op == ir.OpRet {
			nb.Term.Op, nb.Succs = ir.OpJump, []ir.Edge{{To: cb.head}}
		}
	}
}

// measure says what the copy's parts are in the machine.
func (s *splicer) measure(cb *callback, body *Body, b, after *ir.Block) {
	from, to := body.Shape, s.shape
	count := func(v *ir.Value, insns, jumps uint16) { to.Insns[v.ID], to.Jumps[v.ID] = insns, jumps }
	for i, g := range body.Func.Blocks {
		nb := cb.body[i]
		for k, v := range g.Values {
			count(nb.Values[k], from.Insns[v.ID], from.Jumps[v.ID])
			if n := from.Behind[v.ID]; n > 0 {
				to.Behind[nb.Values[k].ID] = n
			}
			if x, has := from.Branches[v.ID]; has {
				to.Branches[nb.Values[k].ID] = x
			}
		}
		count(nb.Term, from.Insns[g.Term.ID], from.Jumps[g.Term.ID])
		to.Ends[nb.ID] = from.Ends[g.ID]
	}
	// The call is walked each time, what makes its arguments once.
	behind := to.Behind[cb.call.ID]
	count(b.Term, max(to.Insns[cb.call.ID], behind+1)-behind-1, 0)
	count(cb.head.Term, 1, 1)
	count(cb.call, behind, 0)
	to.Ends[after.ID], to.Ends[b.ID], to.Ends[cb.head.ID] = to.Ends[b.ID], End{}, End{}
}

// findCells finds the words of the frames, which a state has as values of
// their own: whether what is in them has made a difference is known of each.
// It reports false if they are used in another way than as a whole.
func (s *splicer) findCells() bool {
	s.first = s.f.NumValues()
	s.cells = make([]int32, s.first)
	next := int32(s.first)
	for slot := range s.f.Slots { // in order
		if _, is := s.frames[slot]; is {
			for range s.f.Slots[slot].Size / 8 {
				s.frames[slot] = append(s.frames[slot], next)
				next++
			}
		}
	}
	ok := true
	escapes := func(x *ir.Value) {
		if x = original(x); x.Op == ir.OpStackAddr && s.frames[x.Slot] != nil {
			ok = false
		}
	}
	for _, b := range s.f.Blocks {
		for _, v := range b.Values {
			args := v.Args
			switch {
			case v.Op == ir.OpStackAddr, v.Op == ir.OpCopy, v.Op == ir.OpReload, s.called[v.ID] != nil:
				continue
			case v.Op == ir.OpStore, v.Op == ir.OpLoad, v.Op == ir.OpLoadS:
				slot, off, direct := slotOf(v)
				if !direct || s.frames[slot] == nil {
					break
				}
				if off&7 != 0 || v.Size != 8 && v.Op == ir.OpStore || int(off/8) >= len(s.frames[slot]) || off < 0 {
					return false
				}
				s.cells[v.ID] = s.frames[slot][off/8]
				if v.Slot == 0 {
					args = args[1:]
				}
			case v.Slot != 0 && s.frames[v.Slot] != nil:
				return false
			}
			for _, x := range args {
				escapes(x)
			}
		}
		for _, x := range b.Term.Args {
			escapes(x)
		}
		for _, e := range b.Succs {
			for _, x := range e.Args {
				escapes(x)
			}
		}
	}
	return ok
}

// numCells is how many cells there are.
func (s *spliced) numCells() (n int) {
	for _, words := range s.frames {
		n += len(words)
	}
	return n
}
