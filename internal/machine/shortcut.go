package machine

import "github.com/whistler-lang/whistler/internal/bpf"

// shortcut sends edges past blocks that do nothing, makes a jump of a branch
// that leads to one place, and appends a block to its only predecessor:
//
//	b1: goto b2; b2: goto b3   =>   b1: goto b3
func shortcut(f *Func) bool {
	changed := false
	for _, b := range f.Blocks {
		for k := range b.Succs {
			for n := 0; n < len(f.Blocks); n++ {
				s := b.Succs[k]
				if len(s.Insns) > 0 || s.Branch != nil || len(s.Succs) != 1 || s.Succs[0] == s {
					break
				}
				b.Succs[k], changed = s.Succs[0], true
			}
		}
		if b.Branch != nil {
			if op := b.Branch.Op & 0xf0; negated[op] != 0 && negated[op] < op { // one form for both
				b.Branch.Op ^= op ^ negated[op]
				b.Succs[0], b.Succs[1] = b.Succs[1], b.Succs[0]
				changed = true
			}
		}
		if b.Branch != nil && b.Succs[0] == b.Succs[1] {
			b.Branch, b.Succs, changed = nil, b.Succs[:1], true
		}
	}
	preds := f.preds()
	for _, b := range f.Blocks {
		for len(b.Succs) == 1 {
			s := b.Succs[0]
			if s == b || preds[s.ID] != 1 || s == f.Blocks[0] {
				break
			}
			b.Insns = append(b.Insns[:len(b.Insns):len(b.Insns)], s.Insns...)
			b.Branch, b.Succs, b.Pos = s.Branch, s.Succs, s.Pos
			preds[s.ID]--
			s.Insns, s.Branch, s.Succs = nil, nil, nil
			changed = true
		}
	}
	if live := f.order(); len(live) != len(f.Blocks) {
		f.Blocks, changed = append(f.Blocks[:0], live...), true
	}
	return changed
}

// exits reports whether b does nothing but end the function.
func (b *Block) exits() bool {
	return len(b.Succs) == 0 && len(b.Insns) == 1 && b.Insns[0].Op == bpf.ClassJMP|bpf.JmpExit
}
