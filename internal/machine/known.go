package machine

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/slab"
)

// known drops moves into registers, and stores into stack slots, that hold
// the value already; branches teach what they test:
//
//	if r0 == 0 goto b1; b1: r0 = 0; exit   =>   b1: exit
//	*(u32 *)(r10 -4) = 0; call bpf_map_lookup_elem; *(u32 *)(r10 -4) = 0
//	                                       =>   the second store goes
//
// It walks to a fixed point: a register that different ways bring different
// values to has a value of its own from there on.
func known(f *Func) bool {
	lent := blockFacts.Take(f.nextB)
	defer blockFacts.Give(lent)
	lent.List = lent.List[:f.nextB]
	k := &knower{f: f, in: lent.List, come: f.mem().bools.Take(f.nextB), stale: f.mem().bools.Take(f.nextB), escapes: f.stackEscapes()}
	blocks := f.order()
	entry := f.Blocks[0].ID
	k.in[entry].enter()
	k.come[entry], k.stale[entry] = true, true
	for again := true; again; {
		again = false
		for _, b := range blocks {
			if k.stale[b.ID] {
				k.stale[b.ID] = false
				again = k.leave(b, k.walk(b, nil)) || again
			}
		}
	}
	changed := false
	most := 0
	for _, b := range blocks {
		most = max(most, len(b.Insns))
	}
	room := rooms.Take(most)
	defer rooms.Give(room)
	for _, b := range blocks {
		kept := room.List[:0]
		k.walk(b, func(i *Insn) { kept = append(kept, *i) })
		if len(kept) > len(room.List) {
			room.List = kept
		}
		if len(kept) != len(b.Insns) || k.cheaper {
			b.Insns, changed = b.Insns[:copy(b.Insns, kept)], true
			k.cheaper = false
		}
	}
	return changed
}

var (
	rooms      slab.Rooms[Insn]
	blockFacts slab.Rooms[facts]
)

// A val is what a register or stack cell is known to hold.
type val struct {
	kind kind
	n    int64 // the constant, the offset from R10, the number of an unknown value or of a name
}

type kind uint8

const (
	nothing  kind = iota // may not be read
	constant             // n
	frame                // R10 + n
	named                // the address or number that the loader puts there
	opaque               // a value; equal n are equal values
	some                 // a value that equals no other
)

// A cell is a piece of the stack with a known value.
type cell struct {
	off  int16
	size uint8
	v    val
}

type facts struct {
	regs  [11]val
	stack []cell
}

// enter makes s what is known at the function's entry.
func (s *facts) enter() {
	s.regs, s.stack = [11]val{}, s.stack[:0]
	for r := bpf.R1; r <= bpf.R5; r++ {
		s.regs[r] = val{kind: opaque, n: -int64(r)}
	}
	s.regs[bpf.R10] = val{kind: frame}
}

// become makes s what other is, in the memory that it has.
func (s *facts) become(other *facts) {
	s.regs, s.stack = other.regs, append(s.stack[:0], other.stack...)
}

type knower struct {
	f       *Func
	in      []facts // by block: what is known at its entry
	come    []bool  // blocks to which some way has come
	stale   []bool  // blocks whose in has changed since they were walked
	names   map[bpf.Ref]int64
	escapes bool  // addresses of the stack are where stores may find them
	cheaper bool  // an instruction was replaced by a shorter one
	here    facts // what is known where the walk is
	edge    facts // and over an edge of the block
}

// fresh is the value that a block's instruction, or its start, makes. One of
// an earlier turn of a loop is no longer that value.
func (s *facts) fresh(id int64) val {
	v := val{kind: opaque, n: id}
	for r := range s.regs {
		if s.regs[r] == v {
			s.regs[r] = val{kind: some}
		}
	}
	kept := s.stack[:0]
	for _, c := range s.stack {
		if c.v != v {
			kept = append(kept, c)
		}
	}
	s.stack = kept
	return v
}

// madeBy numbers the result of instruction k of b; joinOf what register r is
// where ways come together.
func madeBy(b *Block, k int) int64   { return int64(b.ID)<<24 | int64(k)<<4 }
func joinOf(b *Block, r int64) int64 { return int64(b.ID)<<24 | r<<4 | 1 }

// leave brings what is known behind b to its successors, and reports whether
// that says less than before there.
func (k *knower) leave(b *Block, out *facts) bool {
	changed := false
	for i, to := range b.Succs {
		s := out
		if b.Branch != nil && b.Succs[0] != b.Succs[1] {
			s = &k.edge
			s.become(out)
			s.learn(b.Branch, i == 0)
		}
		if k.meet(to, s) {
			k.stale[to.ID], changed = true, true
		}
	}
	return changed
}

func (k *knower) meet(b *Block, s *facts) bool {
	in := &k.in[b.ID]
	if !k.come[b.ID] {
		k.come[b.ID] = true
		in.become(s)
		// A value that this block made in an earlier turn has no name here.
		for r := range in.regs {
			if own := joinOf(b, int64(r)); in.regs[r].kind == opaque && in.regs[r].n != own && in.regs[r].joinedAt(b) {
				in.regs[r].n = own
			}
		}
		kept := in.stack[:0]
		for _, c := range in.stack {
			if !c.v.joinedAt(b) {
				kept = append(kept, c)
			}
		}
		in.stack = kept
		return true
	}
	changed := false
	for r := range in.regs {
		own := val{kind: opaque, n: joinOf(b, int64(r))}
		switch {
		case in.regs[r] == s.regs[r] && s.regs[r].kind != some || in.regs[r] == own || in.regs[r].kind == nothing:
		case s.regs[r].kind == nothing:
			in.regs[r], changed = val{}, true
		default:
			in.regs[r], changed = own, true
		}
	}
	kept := in.stack[:0]
	for _, c := range in.stack {
		if d := s.cellAt(c.off, c.size); d != nil && d.v == c.v {
			kept = append(kept, c)
		} else {
			changed = true
		}
	}
	in.stack = kept
	return changed
}

// joinedAt reports whether v is a value made by ways that come together at b.
func (v val) joinedAt(b *Block) bool {
	return v.kind == opaque && v.n&15 == 1 && v.n>>24 == int64(b.ID)
}

func (s *facts) cellAt(off int16, size uint8) *cell {
	for i := range s.stack {
		if s.stack[i].off == off && s.stack[i].size == size {
			return &s.stack[i]
		}
	}
	return nil
}

// forget drops what is known of bytes of the stack.
func (s *facts) forget(off, size int) {
	kept := s.stack[:0]
	for _, c := range s.stack {
		if int(c.off) >= off+size || off >= int(c.off)+int(c.size) {
			kept = append(kept, c)
		}
	}
	s.stack = kept
}

// learn adds what a branch says about the way that it takes, or does not.
func (s *facts) learn(i *Insn, taken bool) {
	op := i.Op & 0xf0
	if i.Class() != bpf.ClassJMP || i.Op&bpf.SrcX != 0 || (op != bpf.JmpEq || !taken) && (op != bpf.JmpNe || taken) {
		return
	}
	old := s.regs[i.Dst]
	if old.kind != opaque {
		return
	}
	v := val{kind: constant, n: int64(i.Imm)}
	for r := range s.regs {
		if s.regs[r] == old {
			s.regs[r] = v
		}
	}
	for c := range s.stack {
		if s.stack[c].v == old && s.stack[c].size == 8 {
			s.stack[c].v = v
		}
	}
}

// walk takes what is known at the start of b through its instructions, and
// gives those that are needed to keep. What it gives holds until the next walk.
func (k *knower) walk(b *Block, keep func(*Insn)) *facts {
	s := &k.here
	s.become(&k.in[b.ID])
	for n := 0; n < len(b.Insns); n++ {
		i := &b.Insns[n]
		if v, ok := k.moved(s, i); ok {
			// The address of a stack slot takes two instructions.
			pair := 0
			if v.kind == frame && n+1 < len(b.Insns) {
				if a := b.Insns[n+1]; a.Op == bpf.ClassALU64|bpf.AluAdd && a.Dst == i.Dst && a.Ref == nil {
					v.n += int64(a.Imm)
					pair = 1
				}
			}
			if s.regs[i.Dst] == v && v.sure() {
				n += pair
				continue
			}
			if keep != nil {
				if from, ok := s.holder(v); ok && i.Slots()+pair > 1 {
					k.cheaper = true
					keep(copyOf(from, i))
				} else {
					keep(i)
					if pair == 1 {
						keep(&b.Insns[n+1])
					}
				}
			}
			s.regs[i.Dst] = v
			n += pair
			continue
		}
		if v, ok := s.reloaded(i); ok {
			if s.regs[i.Dst] == v {
				continue
			}
			if keep != nil {
				if from, ok := s.holder(v); ok {
					keep(copyOf(from, i))
				} else {
					keep(i)
				}
			}
			s.regs[i.Dst] = v
			continue
		}
		if s.idle(i) {
			continue
		}
		if keep != nil {
			keep(i)
		}
		k.step(s, i, madeBy(b, n))
	}
	return s
}

// copyOf takes from another register what i gets elsewhere.
func copyOf(from bpf.Reg, i *Insn) *Insn {
	return &Insn{Insn: bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: i.Dst, Src: from}, Pos: i.Pos, From: i.From}
}

// moved is what i, a move or a constant, puts into its register.
func (k *knower) moved(s *facts, i *Insn) (val, bool) {
	switch {
	case i.IsLdImm64() && i.Ref != nil:
		name := bpf.Ref{Kind: i.Ref.Kind, Name: i.Ref.Name}
		n, ok := k.names[name]
		if !ok {
			if k.names == nil {
				k.names = map[bpf.Ref]int64{}
			}
			n = int64(len(k.names))
			k.names[name] = n
		}
		return val{kind: named, n: n}, true
	case i.IsLdImm64():
		return val{kind: constant, n: int64(uint32(i.Imm)) | int64(i.Hi)<<32}, true
	case i.Ref != nil || i.Off != 0:
	case i.Op == bpf.ClassALU64|bpf.AluMov:
		return val{kind: constant, n: int64(i.Imm)}, true
	case i.Op == bpf.ClassALU|bpf.AluMov:
		return val{kind: constant, n: int64(uint32(i.Imm))}, true
	case i.Op == bpf.ClassALU64|bpf.AluMov|bpf.SrcX:
		return s.regs[i.Src], true
	}
	return val{}, false
}

// reloaded is what i loads from a stack slot of 8 bytes with a known value.
func (s *facts) reloaded(i *Insn) (val, bool) {
	base := s.regs[i.Src]
	if i.Op != bpf.ClassLDX|bpf.ModeMem|bpf.SizeDW || i.Ref != nil || base.kind != frame {
		return val{}, false
	}
	c := s.cellAt(int16(base.n)+i.Off, 8)
	if c == nil || !c.v.sure() {
		return val{}, false
	}
	return c.v, true
}

// holder is a register that holds v.
func (s *facts) holder(v val) (bpf.Reg, bool) {
	if !v.sure() {
		return 0, false
	}
	for r := bpf.R9 + 1; r > 0; r-- {
		if s.regs[r-1] == v {
			return r - 1, true
		}
	}
	return 0, false
}

// idle reports whether i stores what is there already.
func (s *facts) idle(i *Insn) bool {
	base := s.regs[i.Dst]
	if i.Ref != nil || base.kind != frame {
		return false
	}
	var v val
	switch {
	case i.Class() == bpf.ClassST:
		v = val{kind: constant, n: int64(i.Imm)}
	case i.Class() == bpf.ClassSTX && i.Op&0xe0 == bpf.ModeMem:
		v = s.regs[i.Src]
	default:
		return false
	}
	c := s.cellAt(int16(base.n)+i.Off, uint8(i.Bytes()))
	return c != nil && v.sure() && c.v.low(c.size) == v.low(c.size)
}

// sure reports whether v is the same as what is equal to it.
func (v val) sure() bool { return v.kind != nothing && v.kind != some }

// low is v as far as size bytes tell.
func (v val) low(size uint8) val {
	if v.kind == constant && size < 8 {
		v.n &= 1<<(8*size) - 1
	}
	return v
}

// step takes s past an instruction that is no move.
func (k *knower) step(s *facts, i *Insn, id int64) {
	base := s.regs[i.Dst]
	switch i.Class() {
	case bpf.ClassST, bpf.ClassSTX:
		atomic := i.Class() == bpf.ClassSTX && i.Op&0xe0 == bpf.ModeAtomic
		switch {
		case base.kind == frame:
			off, size := int16(base.n)+i.Off, i.Bytes()
			s.forget(int(off), size)
			v := val{kind: constant, n: int64(i.Imm)}
			if i.Class() == bpf.ClassSTX {
				v = s.regs[i.Src]
			}
			if !atomic && i.Ref == nil && v.sure() {
				s.stack = append(s.stack, cell{off, uint8(size), v.low(uint8(size))})
			}
		case k.escapes:
			s.stack = s.stack[:0]
		}
	case bpf.ClassJMP:
		if i.isCall() && !readsOnly(helper(i)) {
			s.stack = s.stack[:0]
		}
	}
	if i.isCall() {
		for r := bpf.R1; r <= bpf.R5; r++ {
			s.regs[r] = val{}
		}
		s.regs[bpf.R0] = s.fresh(id)
		return
	}
	defs, _, _ := i.effects()
	if defs == 0 {
		return
	}
	if i.Op == bpf.ClassALU64|bpf.AluAdd && i.Ref == nil && (base.kind == constant || base.kind == frame) {
		base.n += int64(i.Imm)
		s.regs[i.Dst] = base
		return
	}
	v := s.fresh(id)
	for r := range s.regs {
		if defs&(1<<r) != 0 {
			s.regs[r] = v
		}
	}
}

// readsOnly reports whether a helper leaves the stack as it is.
func readsOnly(h *abi.Helper) bool {
	if h == nil {
		return false
	}
	for _, a := range h.Args {
		if a.Writes() || a == abi.ArgFunc {
			return false
		}
	}
	return true
}

// stackEscapes reports whether an address of the stack goes anywhere but into
// the arguments of a call, so that a store may reach the stack unseen.
func (f *Func) stackEscapes() bool {
	for _, b := range f.Blocks {
		var at uint16 // registers with an address of the stack
		for k := range b.Insns {
			i := &b.Insns[k]
			defs, uses, _ := i.effects()
			switch {
			case i.Op == bpf.ClassALU64|bpf.AluMov|bpf.SrcX && (i.Src == bpf.R10 || at&bit(i.Src) != 0):
				at |= bit(i.Dst)
				continue
			case i.Op == bpf.ClassALU64|bpf.AluAdd:
				continue
			case i.isCall():
			case i.Class() == bpf.ClassLDX, i.Class() == bpf.ClassST:
			case i.Class() == bpf.ClassSTX && at&bit(i.Src) == 0 && i.Src != bpf.R10:
			case uses&at != 0:
				return true
			}
			at &^= defs
		}
		if b.Branch != nil {
			if _, uses, _ := b.Branch.effects(); uses&at != 0 {
				return true
			}
		}
		if at != 0 && len(b.Succs) > 0 {
			return true
		}
	}
	return false
}
