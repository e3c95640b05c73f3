package machine

import "github.com/whistler-lang/whistler/internal/bpf"

// heads moves what both ways of a branch begin with before it:
//
//	if r1 > 5 goto b2; b1: r6 = r0; b2: r6 = r0   =>   r6 = r0; if r1 > 5 goto b2
//
// The condition must not see the difference.
func heads(f *Func) bool {
	changed := false
	preds := f.preds()
	for _, b := range f.Blocks {
		for b.Branch != nil {
			x, y := b.Succs[0], b.Succs[1]
			if x == y || preds[x.ID] != 1 || preds[y.ID] != 1 || len(x.Insns) == 0 || len(y.Insns) == 0 {
				break
			}
			i := &x.Insns[0]
			if !i.same(&y.Insns[0]) {
				break
			}
			defs, _, _ := i.effects()
			_, uses, _ := b.Branch.effects()
			// Loads and arithmetic on pointers stay behind their test.
			if !i.IsLdImm64() && (i.Class() != bpf.ClassALU && i.Class() != bpf.ClassALU64 || i.Op&0xf0 != bpf.AluMov) || defs&uses != 0 {
				break
			}
			head := *i
			head.alsoFor(&y.Insns[0])
			b.Insns = append(b.Insns[:len(b.Insns):len(b.Insns)], head)
			x.Insns, y.Insns = x.Insns[1:], y.Insns[1:]
			changed = true
		}
	}
	return changed
}
