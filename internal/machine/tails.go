package machine

import (
	"math/bits"
	"slices"

	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/slab"
	"github.com/whistler-lang/whistler/internal/types"
)

// tails makes one of what several blocks with the same successor end with:
//
//	b1: r6 += 1; r0 = 2; exit     b2: r6 += 2; r0 = 2; exit
//	=>   b1: r6 += 1; goto b3     b2: r6 += 2; goto b3     b3: r0 = 2; exit
func tails(f *Func) bool {
	changed := false
	for again := true; again; {
		again = false
		for _, g := range f.endAlike() {
			again = f.merge(g) || again
		}
		changed = changed || again
		if again {
			shortcut(f)
		}
	}
	return changed
}

// last is b's last instruction but an exit, nil if there is none.
func (b *Block) last() *Insn {
	n := len(b.Insns)
	if len(b.Succs) == 0 {
		n-- // a bare exit is no longer than a jump to one
	}
	if n <= 0 {
		return nil
	}
	return &b.Insns[n-1]
}

// leads says where b goes, by the blocks' numbers plus one; 0 is nowhere.
func (b *Block) leads() (to, or int) {
	if len(b.Succs) > 0 {
		to = b.Succs[0].ID + 1
	}
	if len(b.Succs) > 1 {
		or = b.Succs[1].ID + 1
	}
	return to, or
}

// endsLike reports whether b and c, whose last instructions are i and j, go to
// the same place by the same branch, behind the same instruction.
func (b *Block) endsLike(i *Insn, c *Block, j *Insn) bool {
	if i.Insn != j.Insn || i.Hi != j.Hi || (i.Ref == nil) != (j.Ref == nil) || (b.Branch == nil) != (c.Branch == nil) {
		return false
	}
	bTo, bOr := b.leads()
	if to, or := c.leads(); to != bTo || or != bOr {
		return false
	}
	return (i.Ref == nil || i.Ref.Kind == j.Ref.Kind && i.Ref.Name == j.Ref.Name) && (b.Branch == nil || b.Branch.Insn == c.Branch.Insn)
}

var alikeRooms slab.Rooms[slab.Item[*Block]]

// endAlike groups the blocks that may end with the same instruction, in the
// order of the blocks. It is good until done.
func (f *Func) endAlike() [][]*Block {
	mem := f.mem()
	n := len(f.Blocks)
	const mix = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio: the upper bits of a product are well mixed
	width := bits.Len(uint(n)) + 1
	table := mem.ints.Take(1 << width)                                                                     // the first block of a group, plus one, at about its hash
	alike := slab.Lists[*Block]{Room: alikeRooms.Take(n), First: mem.ints.Take(n), Last: mem.ints.Take(n)} // by the first of each group
	defer alikeRooms.Give(alike.Room)
	for k, b := range f.Blocks {
		i := b.last()
		if i == nil {
			continue
		}
		h := uint64(uint32(i.Imm)) | uint64(i.Op)<<32 | uint64(i.Dst)<<40 | uint64(i.Src)<<44 | uint64(uint16(i.Off))<<48
		to, or := b.leads()
		h = ((h*mix+uint64(to))*mix + uint64(or)) * mix >> (64 - width)
		for table[h] > 0 {
			if c := f.Blocks[table[h]-1]; c.endsLike(c.last(), b, i) {
				break
			}
			h = (h + 1) & uint64(len(table)-1)
		}
		if table[h] == 0 {
			table[h] = int32(k) + 1
		}
		alike.Add(int(table[h]-1), b)
	}
	groups, all := mem.lists.Take(n)[:0], mem.blocks.Take(n)[:0]
	for k := range f.Blocks {
		if !alike.Longer(k, 1) {
			continue
		}
		from := len(all)
		alike.Each(k, func(b *Block) bool { all = append(all, b); return true })
		groups = append(groups, all[from:])
	}
	return groups
}

// merge gives the blocks of g their common end in a block of its own, or in
// one of them that is nothing else.
func (f *Func) merge(g []*Block) bool {
	first := g[0]
	n := len(first.Insns)
	for _, b := range g[1:] {
		n = min(n, common(first, b))
	}
	n = first.standsAlone(n)
	if n == 0 || n == 1 && len(first.Succs) == 0 {
		return false
	}
	if first.Branch != nil && n < 2 { // saves the branch, but needs the jump
		return false
	}
	var end *Block
	for _, b := range g {
		if len(b.Insns) == n && b != f.Blocks[0] && !slices.Contains(b.Succs, b) {
			end = b
			break
		}
	}
	if end == nil {
		end = f.NewBlock()
		end.Insns = append([]Insn(nil), first.Insns[len(first.Insns)-n:]...)
		end.Branch, end.Succs, end.Pos = first.Branch, append([]*Block(nil), first.Succs...), first.Pos
	}
	for _, b := range g {
		if b != end {
			for k := 1; k <= n; k++ {
				end.Insns[len(end.Insns)-k].alsoFor(&b.Insns[len(b.Insns)-k])
			}
			if b.Branch != nil && b.Branch != end.Branch {
				end.Branch.alsoFor(b.Branch)
			}
			b.Insns, b.Branch, b.Succs = b.Insns[:len(b.Insns)-n], nil, []*Block{end}
		}
	}
	return true
}

// standsAlone is how many of b's last n instructions the verifier takes for
// several ways at once: it wants a memory access to see one kind of pointer
// and, to look into them, calls to have one map and one callback.
func (b *Block) standsAlone(n int) int {
	end := len(b.Insns)
	for from := end - n; from < end; from++ {
		ok := true
		var have uint16 // registers set since
		for k := from; k < end && ok; k++ {
			i := &b.Insns[k]
			defs, uses, _ := i.effects()
			switch i.Class() {
			case bpf.ClassLDX, bpf.ClassST, bpf.ClassSTX:
				base := i.Dst
				if i.Class() == bpf.ClassLDX {
					base = i.Src
				}
				ok = base == bpf.R10 || have&bit(base) != 0 || i.Base != types.Scalar && i.Base != types.PtrAny
			default:
				ok = !i.isCall() || uses&^have == 0
			}
			have |= defs
			if i.isCall() {
				have &^= argRegs
			}
		}
		if ok {
			return end - from
		}
	}
	return 0
}

// common is how many instructions a and b end with alike.
func common(a, b *Block) (n int) {
	for n < len(a.Insns) && n < len(b.Insns) && a.Insns[len(a.Insns)-1-n].same(&b.Insns[len(b.Insns)-1-n]) {
		n++
	}
	return n
}
