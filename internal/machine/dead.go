package machine

import "github.com/whistler-lang/whistler/internal/bpf"

// dead drops instructions whose results nobody reads. Loads stay: what is
// wrong with one is said of the IR, and must be there for the kernel to see.
func dead(f *Func) bool {
	in := f.liveness()
	changed := false
	for _, b := range f.Blocks {
		live := b.liveOut(in)
		kept := len(b.Insns)
		for k := len(b.Insns) - 1; k >= 0; k-- {
			defs, uses, pure := b.Insns[k].effects()
			if pure && b.Insns[k].Class() != bpf.ClassLDX && defs&live == 0 {
				changed = true
				continue
			}
			live = live&^defs | uses
			kept--
			b.Insns[kept] = b.Insns[k]
		}
		b.Insns = b.Insns[kept:]
	}
	return changed
}
