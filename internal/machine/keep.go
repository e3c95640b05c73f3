package machine

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/bpf"
)

// keep has the address of a map or a stack slot that three calls or more want
// made once, in a register that survives calls and is otherwise unused:
//
//	r1 = map ll; ..; r1 = map ll; ..; r1 = map ll
//	=>   r6 = map ll; r1 = r6; ..; r1 = r6; ..; r1 = r6
//
// It only makes the register; known finds who can use it.
func keep(f *Func) bool {
	used := uint16(0)
	for _, b := range f.Blocks {
		for k := range b.Insns {
			defs, uses, _ := b.Insns[k].effects()
			used |= defs | uses
		}
		if b.Branch != nil {
			_, uses, _ := b.Branch.effects()
			used |= uses
		}
	}
	changed := false
	for r := bpf.R6; r <= bpf.R9; r++ {
		if used&bit(r) == 0 {
			if !f.keepIn(r) {
				break
			}
			changed = true
			known(f)
		}
	}
	return changed
}

// An address is what the first instructions of a place make: an ld_imm64 with
// a name, or the frame pointer and an offset.
type address struct {
	name string
	what bpf.RefKind
	off  int32
}

// A site is where an address is made for an argument.
type site struct {
	b *Block
	k int
}

// addressAt is the address that instruction k of b makes, and how many
// instructions that takes.
func addressAt(b *Block, k int) (a address, n int) {
	i := &b.Insns[k]
	if argRegs&bit(i.Dst) == 0 {
		return a, 0
	}
	if i.IsLdImm64() && i.Ref != nil && i.Ref.Kind == bpf.RefMap {
		return address{name: i.Ref.Name, what: i.Ref.Kind}, 1
	}
	if i.Op == bpf.ClassALU64|bpf.AluMov|bpf.SrcX && i.Src == bpf.R10 && k+1 < len(b.Insns) {
		if add := &b.Insns[k+1]; add.Op == bpf.ClassALU64|bpf.AluAdd && add.Dst == i.Dst && add.Ref == nil {
			return address{off: add.Imm}, 2
		}
	}
	return a, 0
}

// keepIn puts into r the address whose keeping saves the most.
func (f *Func) keepIn(r bpf.Reg) bool {
	sites := map[address][]site{}
	var order []address
	for _, b := range f.order() {
		for k := 0; k < len(b.Insns); k++ {
			a, n := addressAt(b, k)
			if n == 0 {
				continue
			}
			if sites[a] == nil {
				order = append(order, a)
			}
			sites[a] = append(sites[a], site{b, k})
			k += n - 1
		}
	}
	d := f.dominators()
	var best site
	most := 2
	for _, a := range order {
		all := sites[a]
		if len(all) <= most {
			continue
		}
		// In the order of the tree those that a block dominates stand together.
		slices.SortStableFunc(all, func(s, t site) int { return int(d.in[s.b.ID] - d.in[t.b.ID]) })
		for i, s := range all {
			end, _ := slices.BinarySearchFunc(all, d.out[s.b.ID], func(t site, out int32) int { return int(d.in[t.b.ID] - out) })
			if n := end - i; n > most {
				best, most = s, n
			}
		}
	}
	if most == 2 {
		return false
	}
	b, k := best.b, best.k
	_, n := addressAt(b, k)
	var insns []Insn
	insns = append(insns, b.Insns[:k]...)
	for _, i := range b.Insns[k : k+n] {
		i.Dst = r
		insns = append(insns, i)
	}
	to := Insn{Insn: bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: b.Insns[k].Dst, Src: r}, Pos: b.Insns[k].Pos, From: b.Insns[k].From}
	b.Insns = append(append(insns, to), b.Insns[k+n:]...)
	return true
}

// A domTree numbers the blocks so that those that b dominates have the
// numbers from in[b.ID] up to out[b.ID].
type domTree struct{ in, out []int32 }

func (f *Func) dominators() *domTree {
	mem := f.mem()
	blocks := f.order()
	rank, idom := mem.ints.Take(f.nextB), mem.blocks.Take(f.nextB)
	preds := mem.lists.Take(f.nextB)
	from := f.preds()
	for i, b := range blocks {
		rank[b.ID] = int32(i)
		for _, s := range b.Succs {
			if preds[s.ID] == nil {
				preds[s.ID] = mem.blocks.Take(int(from[s.ID]))[:0]
			}
			preds[s.ID] = append(preds[s.ID], b)
		}
	}
	meet := func(a, b *Block) *Block {
		for a != b {
			for rank[a.ID] > rank[b.ID] {
				a = idom[a.ID]
			}
			for rank[b.ID] > rank[a.ID] {
				b = idom[b.ID]
			}
		}
		return a
	}
	idom[blocks[0].ID] = blocks[0]
	for changed := true; changed; {
		changed = false
		for _, b := range blocks[1:] {
			var up *Block
			for _, p := range preds[b.ID] {
				switch {
				case idom[p.ID] == nil:
				case up == nil:
					up = p
				default:
					up = meet(up, p)
				}
			}
			if idom[b.ID] != up {
				idom[b.ID], changed = up, true
			}
		}
	}
	// Sizes from the leaves up, numbers from the root down.
	d := &domTree{mem.ints.Take(f.nextB), mem.ints.Take(f.nextB)}
	size := mem.ints.Take(f.nextB)
	for i := len(blocks) - 1; i > 0; i-- {
		b := blocks[i]
		size[b.ID]++
		size[idom[b.ID].ID] += size[b.ID]
	}
	next := mem.ints.Take(f.nextB) // the next number for a block below
	for i, b := range blocks {
		if i > 0 {
			up := idom[b.ID].ID
			d.in[b.ID] = next[up]
			next[up] += size[b.ID]
		} else {
			size[b.ID]++
		}
		d.out[b.ID] = d.in[b.ID] + size[b.ID]
		next[b.ID] = d.in[b.ID] + 1
	}
	return d
}
