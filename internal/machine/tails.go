package machine

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/bpf"
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

// An ending is where a block goes, by what branch, and its last instruction
// but an exit.
type ending struct {
	to, or int
	branch bpf.Insn
	insn   bpf.Insn
	hi     int32
	ref    bpf.Ref
}

// endAlike groups the blocks that may end with the same instruction, in the
// order of the blocks.
func (f *Func) endAlike() (groups [][]*Block) {
	index := map[ending]int{}
	for _, b := range f.Blocks {
		if len(b.Insns) == 0 {
			continue
		}
		e, n := ending{to: -1, or: -1}, len(b.Insns)
		if b.Branch != nil {
			e.branch, e.or = b.Branch.Insn, b.Succs[1].ID
		}
		if len(b.Succs) > 0 {
			e.to = b.Succs[0].ID
		} else if n--; n == 0 {
			continue // a bare exit is no longer than a jump to one
		}
		last := &b.Insns[n-1]
		if e.insn, e.hi = last.Insn, last.Hi; last.Ref != nil {
			e.ref = bpf.Ref{Kind: last.Ref.Kind, Name: last.Ref.Name}
		}
		if k, ok := index[e]; ok {
			groups[k] = append(groups[k], b)
		} else {
			index[e] = len(groups)
			groups = append(groups, []*Block{b})
		}
	}
	alike := groups[:0]
	for _, g := range groups {
		if len(g) > 1 {
			alike = append(alike, g)
		}
	}
	return alike
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
