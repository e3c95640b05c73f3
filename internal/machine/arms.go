package machine

import "github.com/whistler-lang/whistler/internal/bpf"

// arms sets what one way of a branch sets before the branch, where the other
// way sets it anew and both go on to one place:
//
//	if r1 > 5 goto b1; r0 = 2; goto b3; b1: r0 = 1   =>   r0 = 1; if r1 > 5 goto b3; r0 = 2
func arms(f *Func) bool {
	changed := false
	preds := f.preds()
	var in []uint16
	for _, b := range f.Blocks {
		if b.Branch == nil || b.Succs[0] == b.Succs[1] {
			continue
		}
		for k := range 2 {
			arm, other := b.Succs[k], b.Succs[1-k]
			if preds[arm.ID] != 1 || arm.Branch != nil || len(arm.Insns) == 0 || !arm.joins(other) {
				continue
			}
			if in == nil {
				in = f.liveness()
			}
			_, uses, _ := b.Branch.effects()
			if !arm.cheap() || arm.sets()&(uses|in[other.ID]) != 0 {
				continue
			}
			end := arm.Insns
			if len(arm.Succs) == 0 { // the exit stays
				end = arm.Insns[:len(arm.Insns)-1]
			}
			b.Insns = append(b.Insns[:len(b.Insns):len(b.Insns)], end...)
			arm.Insns = arm.Insns[len(end):]
			in, changed = nil, true
			break
		}
	}
	return changed
}

// joins reports whether arm leads to where other leads as well, so that one
// of the two would have to jump.
func (b *Block) joins(other *Block) bool {
	if len(b.Succs) == 0 {
		return len(other.Succs) == 0 && len(b.Insns) > 1
	}
	return b.Succs[0] == other || len(other.Succs) == 1 && other.Succs[0] == b.Succs[0]
}

// cheap reports whether b is only one constant or two, of one slot each.
func (b *Block) cheap() bool {
	n := 0
	for k := range b.Insns {
		i := &b.Insns[k]
		switch {
		case i.Op == bpf.ClassALU64|bpf.AluMov, i.Op == bpf.ClassALU|bpf.AluMov:
			n++
		case i.Op == bpf.ClassJMP|bpf.JmpExit:
		default:
			return false
		}
	}
	return n > 0 && n <= 2
}

// sets are the registers that b's instructions change.
func (b *Block) sets() (all uint16) {
	for k := range b.Insns {
		defs, _, _ := b.Insns[k].effects()
		all |= defs
	}
	return all
}
