package machine

import "github.com/whistler-lang/whistler/internal/bpf"

// exits gives the function one place where it ends: a branch can go there,
// and what stands before the ends is alike for tails. Layout puts the
// instruction back where it saves the jump.
//
//	if r8 != 0 goto b2; exit; b2: r0 = 2; exit   =>   if r8 == 0 goto b3; r0 = 2; b3: exit
func exits(f *Func) bool {
	var end *Block
	changed, ends := false, 0
	for _, b := range f.Blocks {
		if len(b.Succs) == 0 {
			ends++
		}
		if b.exits() && end == nil {
			end = b
		}
	}
	if ends < 2 {
		return false
	}
	for _, b := range f.Blocks {
		if b == end || len(b.Succs) > 0 || len(b.Insns) == 0 {
			continue
		}
		exit := b.Insns[len(b.Insns)-1]
		if exit.Op != bpf.ClassJMP|bpf.JmpExit {
			continue
		}
		if end == nil {
			end = f.NewBlock()
			end.Insns, end.Pos = []Insn{exit}, b.Pos
		}
		b.Insns, b.Succs = b.Insns[:len(b.Insns)-1], []*Block{end}
		changed = true
	}
	return changed
}
