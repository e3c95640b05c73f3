package regalloc

import (
	"math/bits"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/source"
)

// A move is one assignment of a parallel copy: all sources are read before
// any destination is written.
type move struct {
	dst   Loc
	src   Loc
	remat *ir.Value
}

// rewrite puts everything in its place: instructions with their registers,
// and the moves that calls, returns and edges need.
func (a *allocator) rewrite() *Result {
	r := &Result{F: a.f, Blocks: make([]*Block, 0, len(a.f.Blocks))}
	a.lent = &r.lent
	reach := a.live.dom
	s := newLiveSet(a.f)
	a.wanted = a.f.Ints(a.f.NumValues())
	some := 0 // instructions
	for _, b := range a.f.Blocks {
		some += len(b.Values) + 2
	}
	r.lent.insts = insts.Take(some)
	for _, b := range a.f.Blocks {
		if !reach.Reachable(b) {
			continue
		}
		m := &mover{a: a, b: r.lent.blocks.New(&blockPool)}
		m.b.IR, m.b.Insts = b, r.lent.insts.Rest()
		a.rewriteBlock(m, b, s)
		m.b.Insts = r.lent.insts.Keep(m.b.Insts)
		r.Blocks = append(r.Blocks, m.b)
	}
	r.Spills = a.slots
	return r
}

func (a *allocator) rewriteBlock(m *mover, b *ir.Block, s *liveSet) {
	// The registers that are alive behind each value.
	alive := slices.Grow(a.alive[:0], len(b.Values)+1)[:len(b.Values)+1]
	clear(alive)
	a.alive = alive
	i := len(b.Values)
	mask := func(s *liveSet) (m uint16) {
		for _, v := range s.vs {
			if a.loc[v.ID] >= 0 {
				m |= 1 << a.loc[v.ID]
			}
		}
		return m
	}
	here := int32(b.ID + 1)
	a.backward(b, s, func(v *ir.Value, s *liveSet) {
		if v != nil && s.has(v) {
			a.wanted[v.ID] = here
		}
		for i > 0 && v != b.Values[i-1] && b.Values[i-1].Remat() {
			i--
		}
		if v == nil {
			return
		}
		i--
		alive[i] = mask(s)
	})
	if b == a.f.Blocks[0] {
		var ms []move
		var used uint16
		for i, p := range b.Params {
			used |= 1 << (1 + i)
			switch {
			case a.loc[p.ID] >= 0:
				ms = append(ms, move{dst: a.loc[p.ID], src: Loc(1 + i)})
			case a.mem[p.ID] >= 0:
				ms = append(ms, move{dst: a.mem[p.ID], src: Loc(1 + i)})
			}
		}
		m.parallel(ms, used, source.Pos{})
	}
	for i, v := range b.Values {
		switch {
		case v.Remat():
		case v.Op.IsCall():
			ms := a.moves[:0]
			for j, x := range v.Args {
				ms = append(ms, a.from(x, Loc(1+j)))
			}
			a.moves = ms
			// R0 is free before a call unless it holds an argument.
			m.parallel(ms, alive[i]&calleeSaved, v.Pos)
			inst := Inst{V: v, Dst: 0, Src: a.srcs(len(v.Args)), Pos: v.Pos}
			for j := range v.Args {
				inst.Src[j] = Loc(1 + j)
			}
			m.emit(inst)
			// A result that nobody wants may not even be readable.
			if l := a.loc[v.ID]; l > 0 && alive[i]&(1<<l) != 0 && a.wanted[v.ID] == here {
				m.emit(Inst{Dst: l, Src: a.one(0), Pos: v.Pos})
			}
		case v.Op == ir.OpSpill:
			m.emit(Inst{Dst: a.mem[v.Args[0].ID], Src: a.one(a.loc[v.Args[0].ID]), Pos: v.Pos})
		case v.Op == ir.OpReload:
			m.emit(Inst{Dst: a.loc[v.ID], Src: a.one(a.mem[v.Args[0].ID]), Pos: v.Pos})
		case v.Op == ir.OpCopy:
			mv := a.from(v.Args[0], a.loc[v.ID])
			if mv.remat != nil || mv.src != mv.dst {
				m.move(mv, v.Pos)
			}
		default:
			m.emit(Inst{V: v, Dst: a.loc[v.ID], Src: a.locs(v.Args), Pos: v.Pos})
		}
	}
	t := b.Term
	switch t.Op {
	case ir.OpRet:
		m.parallel([]move{a.from(t.Args[0], 0)}, 0, t.Pos)
		m.b.TermSrc = a.one(0)
	case ir.OpBr:
		m.b.TermSrc = a.locs(t.Args)
	case ir.OpJump:
		e := b.Succs[0]
		ms := a.moves[:0]
		for i, x := range e.Args {
			p := e.To.Params[i]
			switch {
			case a.loc[p.ID] >= 0:
				ms = append(ms, a.from(x, a.loc[p.ID]))
			case a.mem[p.ID] >= 0:
				ms = append(ms, a.from(x, a.mem[p.ID]))
			}
		}
		var through uint16
		for _, v := range a.live.in[e.To.ID] {
			if a.loc[v.ID] >= 0 {
				through |= 1 << a.loc[v.ID]
			}
		}
		a.moves = ms
		m.parallel(ms, through, t.Pos)
	}
}

// srcs makes room for n places.
func (a *allocator) srcs(n int) []Loc { return a.lent.locs.Take(&locPool, n) }

// one is l alone.
func (a *allocator) one(l Loc) []Loc {
	srcs := a.srcs(1)
	srcs[0] = l
	return srcs
}

// locs is where the values are.
func (a *allocator) locs(vs []*ir.Value) []Loc {
	srcs := a.srcs(len(vs))
	for i, x := range vs {
		srcs[i] = a.loc[x.ID]
	}
	return srcs
}

// from is the move that brings x to dst: made anew, from its slot, or from
// its register.
func (a *allocator) from(x *ir.Value, dst Loc) move {
	switch {
	case x.Remat():
		return move{dst: dst, remat: x}
	case a.spill[x.ID] && a.mem[x.ID] >= 0:
		return move{dst: dst, src: a.mem[x.ID]}
	}
	return move{dst: dst, src: a.loc[x.ID]}
}

type mover struct {
	a *allocator
	b *Block
}

func (m *mover) emit(i Inst) { m.b.Insts = append(m.b.Insts, i) }

func (m *mover) move(mv move, pos source.Pos) {
	if mv.remat != nil {
		m.emit(Inst{Remat: mv.remat, Dst: mv.dst, Pos: pos})
		return
	}
	m.emit(Inst{Dst: mv.dst, Src: m.a.one(mv.src), Pos: pos})
}

// parallel orders the moves so that none destroys what another still reads.
// through are the registers that hold something else of value.
func (m *mover) parallel(ms []move, through uint16, pos source.Pos) {
	pending := m.a.order[:0]
	for _, mv := range ms {
		if mv.remat != nil || mv.src != mv.dst {
			pending = append(pending, mv)
		} else if mv.dst.IsReg() {
			through |= 1 << mv.dst
		}
	}
	m.a.order = pending
	reads := func(l Loc) (n int) {
		for _, mv := range pending {
			if mv.remat == nil && mv.src == l {
				n++
			}
		}
		return n
	}
	// A register that neither holds a pending source nor a finished result.
	scratch := func() (Loc, bool) {
		free := uint16(allRegs) &^ through
		for _, mv := range pending {
			if mv.remat == nil && mv.src.IsReg() {
				free &^= 1 << mv.src
			}
		}
		if free == 0 {
			return None, false
		}
		return Loc(bits.TrailingZeros16(free)), true
	}
	extra := func() Loc { // one more spill slot
		m.a.slots++
		return Slot0 + Loc(m.a.slots-1)
	}
	do := func(mv move) {
		toSlot := mv.dst.IsSlot() && (mv.remat != nil && !storable(mv.remat) || mv.remat == nil && mv.src.IsSlot())
		if !toSlot {
			m.move(mv, pos)
		} else if r, ok := scratch(); ok {
			m.move(move{dst: r, src: mv.src, remat: mv.remat}, pos)
			m.move(move{dst: mv.dst, src: r}, pos)
		} else { // borrow R9
			save := extra()
			m.move(move{dst: save, src: 9}, pos)
			m.move(move{dst: 9, src: mv.src, remat: mv.remat}, pos)
			m.move(move{dst: mv.dst, src: 9}, pos)
			m.move(move{dst: 9, src: save}, pos)
		}
		if mv.dst.IsReg() {
			through |= 1 << mv.dst
		}
	}
	for len(pending) > 0 {
		progress := false
		// What is made anew goes last: until then its register can help.
		for pass := 0; pass < 2 && !progress; pass++ {
			for i := 0; i < len(pending); i++ {
				mv := pending[i]
				if pass == 0 && mv.remat != nil {
					continue
				}
				self := 0
				if mv.remat == nil && mv.src == mv.dst {
					self = 1
				}
				if reads(mv.dst) > self {
					continue
				}
				pending = slices.Delete(pending, i, i+1)
				do(mv)
				i--
				progress = true
			}
		}
		if progress {
			continue
		}
		// Only cycles are left: move one source out of the way.
		src := None
		for _, mv := range pending {
			if mv.remat == nil {
				src = mv.src
				break
			}
		}
		tmp, ok := scratch()
		if !ok || src.IsSlot() {
			tmp = extra()
		}
		if src.IsSlot() {
			do(move{dst: tmp, src: src})
		} else {
			m.move(move{dst: tmp, src: src}, pos)
		}
		for i := range pending {
			if pending[i].remat == nil && pending[i].src == src {
				pending[i].src = tmp
			}
		}
	}
}

// storable reports whether v can be stored to a slot without a register.
func storable(v *ir.Value) bool {
	return v.Op == ir.OpConst && v.Aux == int64(int32(v.Aux))
}
