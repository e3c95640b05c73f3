package opt

import "github.com/whistler-lang/whistler/internal/ir"

// deadstore drops stores to the stack that are overwritten, or that the
// program ends, before anything reads them.
func deadstore(f *ir.Func, _ *Config) bool {
	escaped, read := slotUses(f)
	changed := false
	for _, b := range f.Blocks {
		// dead[slot][i]: byte i will be written before it is read.
		dead := map[int][]bool{}
		ends := b.Term.Op == ir.OpRet
		bytes := func(slot int) []bool {
			d := dead[slot]
			if d == nil {
				d = make([]bool, f.Slots[slot].Size)
				if ends {
					for i := range d {
						d[i] = true
					}
				}
				dead[slot] = d
			}
			return d
		}
		live := func(slot int) {
			d := bytes(slot)
			for i := range d {
				d[i] = false
			}
		}
		liveEscaped := func() {
			for s := range f.Slots {
				if s > 0 && escaped[s] {
					live(s)
				}
			}
		}
		keep := make([]bool, len(b.Values))
		for i := len(b.Values) - 1; i >= 0; i-- {
			v := b.Values[i]
			keep[i] = true
			slot, off, isSlot := stackPlace(v)
			switch {
			case isSlot && v.Op == ir.OpStore:
				d := bytes(slot)
				if off < 0 || off+int64(v.Size) > int64(len(d)) {
					live(slot)
					continue
				}
				all := true
				for k := off; k < off+int64(v.Size); k++ {
					all = all && d[k]
					d[k] = true
				}
				if (all || !read[slot]) && !escaped[slot] {
					keep[i] = false
					changed = true
				}
			case isSlot:
				live(slot)
			default:
				for _, a := range v.Args {
					if s, _, ok := stackAddr(a); ok && !v.Op.Pure() {
						live(s)
					}
				}
				if v.Op.Reads() {
					liveEscaped()
					if v.Slot != 0 {
						live(v.Slot)
					}
				}
			}
		}
		kept := b.Values[:0]
		for i, v := range b.Values {
			if keep[i] {
				kept = append(kept, v)
			}
		}
		b.Values = kept
	}
	return changed
}

// slotUses finds the slots whose address goes anywhere but into loads,
// stores and call arguments, and those that are read at all.
func slotUses(f *ir.Func) (escaped, read []bool) {
	escaped, read = make([]bool, len(f.Slots)), make([]bool, len(f.Slots))
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if s, _, ok := stackPlace(v); ok {
				if v.Op != ir.OpStore {
					read[s] = true
				} else if !v.HasImm {
					if s2, _, ok := stackAddr(v.Args[len(v.Args)-1]); ok {
						escaped[s2] = true
					}
				}
				continue
			}
			if v.Slot != 0 && v.Op != ir.OpStackAddr {
				read[v.Slot] = true
			}
			if v.Op == ir.OpAdd || v.Op == ir.OpCopy {
				if _, _, ok := stackAddr(v); ok {
					continue // just an address; its users are judged
				}
			}
			for _, a := range v.Args {
				if s, _, ok := stackAddr(a); ok {
					read[s] = true
					if !v.Op.IsCall() {
						escaped[s] = true
					}
				}
			}
		}
		mark := func(a *ir.Value) {
			if s, _, ok := stackAddr(a); ok {
				escaped[s], read[s] = true, true
			}
		}
		for _, a := range b.Term.Args {
			mark(a)
		}
		for _, e := range b.Succs {
			for _, a := range e.Args {
				mark(a)
			}
		}
	}
	return escaped, read
}
