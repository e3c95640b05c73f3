package machine

import (
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Code is a function's slots, the forms that they come from, and what they
// refer to.
type Code struct {
	Insns []bpf.Insn
	Lines []bpf.Line
	Refs  []bpf.Ref
	From  []bpf.From
}

// negated gives the condition that holds where the other does not, 0 if there is none.
var negated = [256]uint8{bpf.JmpEq: bpf.JmpNe, bpf.JmpNe: bpf.JmpEq, bpf.JmpGt: bpf.JmpLe, bpf.JmpLe: bpf.JmpGt, bpf.JmpGe: bpf.JmpLt,
	bpf.JmpLt: bpf.JmpGe, bpf.JmpSgt: bpf.JmpSle, bpf.JmpSle: bpf.JmpSgt, bpf.JmpSge: bpf.JmpSlt, bpf.JmpSlt: bpf.JmpSge}

// Layout puts the blocks one behind the other, for BPF cpu version 2, 3 or 4.
func Layout(f *Func, cpu int) (*Code, error) {
	defer f.done()
	shortcut(f)
	l := &layouter{f: f, cpu: cpu, start: f.mem().ints.Take(f.nextB)}
	blocks := f.place()
	some := 0
	for _, b := range blocks {
		some += len(b.Insns) + 1
	}
	l.Insns, l.From = make([]bpf.Insn, 0, some+some/8), make([]bpf.From, 0, some)
	for n, b := range blocks {
		l.start[b.ID] = int32(len(l.Insns))
		for k := range b.Insns {
			l.put(&b.Insns[k])
		}
		var next *Block
		if n+1 < len(blocks) {
			next = blocks[n+1]
		}
		l.end(b, next)
	}
	for _, x := range l.fixups {
		if err := l.fix(x); err != nil {
			return nil, err
		}
	}
	return &l.Code, nil
}

type layouter struct {
	Code
	f      *Func
	cpu    int
	start  []int32  // by block ID
	live   []uint16 // registers at the start of each block; nil until somebody asks
	fixups []fixup
	pos    source.Pos
}

// A fixup is a jump whose target's slot was not known.
type fixup struct {
	slot int
	to   *Block
}

func (l *layouter) put(i *Insn) {
	if i.Pos.Known() && i.Pos != l.pos {
		l.pos = i.Pos
		l.Lines = append(l.Lines, bpf.Line{Slot: len(l.Insns), Pos: i.Pos})
	}
	if i.Ref != nil {
		l.Refs = append(l.Refs, bpf.Ref{Slot: len(l.Insns), Kind: i.Ref.Kind, Name: i.Ref.Name})
	}
	if i.From > 0 {
		l.From = append(l.From, bpf.From{Slot: len(l.Insns), Value: int(i.From) - 1})
	}
	for _, v := range i.Also {
		l.From = append(l.From, bpf.From{Slot: len(l.Insns), Value: int(v) - 1})
	}
	l.Insns = append(l.Insns, i.Insn)
	if i.IsLdImm64() {
		l.Insns = append(l.Insns, bpf.Insn{Imm: i.Hi})
	}
}

// end leaves b, behind which next stands (nil: nothing).
func (l *layouter) end(b, next *Block) {
	to := b.Succs
	if b.Branch != nil {
		i := *b.Branch
		yes, no := to[0], to[1]
		if not := negated[i.Op&0xf0]; not != 0 && yes == next {
			i.Op = i.Op&0x0f | not
			yes, no = no, yes
		} else if yes == next && i.Last && !no.exits() && l.dead(i.Dst, b) {
			// As long as a jump over a jump, and one jump less to take.
			class := uint8(bpf.ClassALU64)
			if i.Class() == bpf.ClassJMP32 {
				class = bpf.ClassALU
			}
			and := i
			and.Op = class | bpf.AluAnd | i.Op&bpf.SrcX
			l.put(&and)
			i.Op, i.Src, i.Imm = bpf.ClassJMP|bpf.JmpEq, 0, 0
			yes, no = no, yes
		}
		l.fixups = append(l.fixups, fixup{len(l.Insns), yes})
		l.put(&i)
		to = to[:1]
		if no != to[0] {
			to = b.Succs[1:]
		}
	}
	if len(to) == 0 || to[0] == next {
		return
	}
	jump := Insn{Insn: bpf.Insn{Op: bpf.ClassJMP | bpf.JmpA}, Pos: b.Pos}
	if to[0].exits() {
		jump.Op = bpf.ClassJMP | bpf.JmpExit // as long, and there at once
	} else {
		l.fixups = append(l.fixups, fixup{len(l.Insns), to[0]})
	}
	l.put(&jump)
}

// dead reports whether nobody reads r behind b.
func (l *layouter) dead(r bpf.Reg, b *Block) bool {
	if l.live == nil {
		l.live = l.f.liveness()
	}
	return (l.live[b.Succs[0].ID]|l.live[b.Succs[1].ID])&bit(r) == 0
}

func (l *layouter) fix(x fixup) error {
	off := int(l.start[x.to.ID]) - x.slot - 1
	i := &l.Insns[x.slot]
	if off == int(int16(off)) {
		i.Off = int16(off)
		return nil
	}
	if i.Op == bpf.ClassJMP|bpf.JmpA && l.cpu >= 4 {
		*i = bpf.Insn{Op: bpf.ClassJMP32 | bpf.JmpA, Imm: int32(off)}
		return nil
	}
	var at source.Pos
	for _, line := range l.Lines {
		if line.Slot > x.slot {
			break
		}
		at = line.Pos
	}
	return source.Errorf(at, "the program is too large: a jump of %d slots does not fit", off).
		WithExpected("at most 32767 slots between a branch and its target").
		WithHint("split the program with tail-call or defsubprog").WithCode("too-large")
}

// place orders the blocks: each behind those that lead to it, but for loops,
// and where there is a choice behind one that would have to jump.
func (f *Func) place() []*Block {
	order := f.order()
	mem := f.mem()
	rank := mem.ints.Take(f.nextB)
	for i, b := range order {
		rank[b.ID] = int32(i)
	}
	waits := mem.ints.Take(f.nextB) // edges from blocks that must come before
	for _, b := range order {
		for _, s := range b.Succs {
			if rank[s.ID] > rank[b.ID] {
				waits[s.ID]++
			}
		}
	}
	out := mem.blocks.Take(len(order))[:0]
	placed := mem.bools.Take(f.nextB)
	ready := mem.blocks.Take(len(order))[:0] // those whose turn it may be, the latest last
	for b := order[0]; b != nil; {
		out = append(out, b)
		placed[b.ID] = true
		for k := len(b.Succs) - 1; k >= 0; k-- {
			if s := b.Succs[k]; rank[s.ID] > rank[b.ID] {
				if waits[s.ID]--; waits[s.ID] == 0 {
					ready = append(ready, s)
				}
			}
		}
		next := (*Block)(nil)
		for _, s := range b.follow() { // whoever saves b a jump
			if s != nil && !placed[s.ID] && waits[s.ID] == 0 {
				next = s
				break
			}
		}
		for next == nil && len(ready) > 0 {
			if s := ready[len(ready)-1]; !placed[s.ID] {
				next = s
			}
			ready = ready[:len(ready)-1]
		}
		b = next
	}
	return out
}

// follow lists what may stand behind b without a jump, the best first; nil is
// nobody.
func (b *Block) follow() (f [2]*Block) {
	switch {
	case b.Branch == nil:
		copy(f[:], b.Succs)
	case b.Branch.Op&0xf0 == bpf.JmpSet: // has no negation
		f[0] = b.Succs[1]
	default:
		f[0], f[1] = b.Succs[1], b.Succs[0]
	}
	return f
}
