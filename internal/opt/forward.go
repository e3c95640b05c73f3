package opt

import "github.com/whistler-lang/whistler/internal/ir"

// forward gives a load from a stack slot the value that was stored there
// last in the same block, when nothing can have changed it between:
//
//	store.4 s1+0 v1; v2 = load.4 s1+0   =>   v2 = zext.4 v1
func forward(f *ir.Func, _ *Config) bool {
	changed := false
	for _, b := range f.Blocks {
		type place struct {
			slot int
			off  int64
			size uint8
		}
		known := map[place]*ir.Value{}
		forget := func(slot int, off, end int64) {
			for p := range known {
				if p.slot == slot && p.off < end && off < p.off+int64(p.size) {
					delete(known, p)
				}
			}
		}
		for _, v := range b.Values {
			slot, off, isSlot := stackPlace(v)
			switch {
			case v.Op == ir.OpLoad && isSlot:
				if w := known[place{slot, off, v.Size}]; w != nil {
					if v.Size == 8 {
						f.MakeCopy(v, w)
					} else {
						v.Op, v.Args, v.Slot, v.Aux, v.Type = ir.OpZext, []*ir.Value{w}, 0, 0, ir.Scalar
					}
					changed = true
				}
			case v.Op == ir.OpStore && isSlot:
				forget(slot, off, off+int64(v.Size))
				if val := v.Args[len(v.Args)-1]; !v.HasImm {
					known[place{slot, off, v.Size}] = val
				}
			case v.Op == ir.OpStore && !anywhere(class(v)) && class(v) != ir.PtrStack:
			case v.Op.Writes():
				clear(known)
			}
		}
	}
	return changed
}

// stackPlace is the slot and offset that a memory op addresses.
func stackPlace(v *ir.Value) (slot int, off int64, ok bool) {
	if v.Op != ir.OpLoad && v.Op != ir.OpLoadS && v.Op != ir.OpStore {
		return 0, 0, false
	}
	if v.Slot != 0 {
		return v.Slot, v.Aux, true
	}
	s, o, ok := stackAddr(v.Args[0])
	return s, o + v.Aux, ok
}

// stackAddr sees through constant additions to an address on the stack.
func stackAddr(v *ir.Value) (slot int, off int64, ok bool) {
	for {
		switch v.Op {
		case ir.OpCopy:
			v = v.Args[0]
			continue
		case ir.OpStackAddr:
			return v.Slot, off + v.Aux, true
		case ir.OpAdd:
			if v.Size != 8 || v.Core != "" {
				return 0, 0, false
			}
			if v.HasImm {
				off += v.Imm
			} else if n, isConst := v.Args[1].IsConst(); isConst {
				off += n
			} else {
				return 0, 0, false
			}
			v = v.Args[0]
			continue
		}
		return 0, 0, false
	}
}
