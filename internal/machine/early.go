package machine

import "github.com/whistler-lang/whistler/internal/bpf"

// early moves constants up past moves that have nothing to do with them: of
// two calls, the arguments that differ most often stand first then, and the
// rest is a common end.
//
//	r1 = r6; r2 = map ll; r3 = 1; call   =>   r3 = 1; r1 = r6; r2 = map ll; call
func early(f *Func) bool {
	changed := false
	for _, b := range f.Blocks {
		for n := 1; n < len(b.Insns); n++ {
			if !b.Insns[n].isConst() {
				continue
			}
			for k := n; k > 0 && b.Insns[k-1].isMove() && !b.Insns[k-1].isConst(); k-- {
				defs, uses, _ := b.Insns[k-1].effects()
				if (defs|uses)&bit(b.Insns[k].Dst) != 0 {
					break
				}
				b.Insns[k-1], b.Insns[k] = b.Insns[k], b.Insns[k-1]
				changed = true
			}
		}
	}
	return changed
}

// isConst reports whether i is a number of one slot.
func (i *Insn) isConst() bool {
	return i.Ref == nil && (i.Op == bpf.ClassALU64|bpf.AluMov || i.Op == bpf.ClassALU|bpf.AluMov)
}

// isMove reports whether i only brings something to a register, or makes an
// address of the stack.
func (i *Insn) isMove() bool {
	switch i.Op {
	case bpf.ClassALU64 | bpf.AluMov, bpf.ClassALU | bpf.AluMov, bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, bpf.ClassALU64 | bpf.AluAdd, bpf.OpLdImm64:
		return true
	}
	return false
}
