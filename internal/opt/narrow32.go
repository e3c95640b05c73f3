package opt

import "github.com/whistler-lang/whistler/internal/ir"

// narrow32 computes in 32 bits what is cut to them anyway, and does not cut
// what only the lower half of is looked at:
//
//	v3 = add v1 v2; v4 = zext.4 v3          =>   v4 = add.4 v1 v2
//	v2 = zext.4 v1; v3 = xor.4 v2 v0        =>   v3 = xor.4 v1 v0
//	v2 = zext.4 v1; br ult v2 100           =>   br ult.4 v1 100
func narrow32(f *ir.Func, c *Config) bool {
	changed := false
	count := useCounts(f)
	w := &widths{memo: make([]uint8, f.NumValues())}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op == ir.OpZext && v.Size == 4 {
				x := v.Args[0]
				for x.Op == ir.OpCopy {
					x = x.Args[0]
				}
				if count[x.ID] == 1 && x.Size == 8 && x.Core == "" && !x.HasImm && lowHalf(x, w) {
					v.Op, v.Args = x.Op, append([]*ir.Value(nil), x.Args...)
					changed = true
				}
			}
			if v.Size == 4 && !v.HasImm && v.Op.Foldable() && v.Op != ir.OpZext && v.Op != ir.OpSext && v.Op != ir.OpBE && v.Op != ir.OpBswap {
				for i, a := range v.Args {
					if x, ok := uncut(a); ok && (i == 0 || lowCount(v.Op)) {
						v.Args[i], changed = x, true
					}
				}
			}
			if c.CPU >= 3 && v.Op.Compares() {
				changed = compare32(v, v.Op, count) || changed
			}
		}
		if t := b.Term; t.Op == ir.OpBr && c.CPU >= 3 {
			changed = compare32(t, t.Cmp, count) || changed
		}
	}
	return changed
}

// lowHalf reports whether the lower half of x's result is a function of the
// lower halves of its arguments: the op in 32 bits.
func lowHalf(x *ir.Value, w *widths) bool {
	if x.Type != ir.Scalar {
		return false
	}
	switch x.Op {
	case ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor:
		return x.Args[0].Type == ir.Scalar && x.Args[1].Type == ir.Scalar
	case ir.OpShl:
		n, ok := x.Args[1].IsConst()
		return ok && uint64(n) < 32
	case ir.OpShr, ir.OpUDiv, ir.OpUMod: // cut what is no wider
		if n, ok := x.Args[1].IsConst(); x.Op == ir.OpShr {
			return ok && uint64(n) < 32 && w.of(x.Args[0]) <= 32
		}
		return w.of(x.Args[0]) <= 32 && w.of(x.Args[1]) <= 32
	}
	return false
}

// lowCount reports whether only the low bits of op's last argument count.
func lowCount(op ir.Op) bool { return op != ir.OpShl && op != ir.OpShr && op != ir.OpSar }

// uncut is what v takes the lower half of.
func uncut(v *ir.Value) (*ir.Value, bool) {
	for v.Op == ir.OpCopy {
		v = v.Args[0]
	}
	if v.Op == ir.OpZext && v.Size == 4 && v.Args[0].Type == ir.Scalar {
		return v.Args[0], true
	}
	return nil, false
}

// compare32 compares the lower halves of numbers that are cut for this
// comparison only.
func compare32(v *ir.Value, op ir.Op, count []int) bool {
	if v.Size != 8 || v.HasImm || len(v.Args) != 2 || op >= ir.OpSlt && op <= ir.OpSge {
		return false
	}
	x, ok := uncut(v.Args[0])
	if !ok || count[v.Args[0].ID] != 1 {
		return false
	}
	y, ok := uncut(v.Args[1])
	if n, isConst := v.Args[1].IsConst(); isConst && n == int64(uint32(n)) {
		y, ok = v.Args[1], true
	}
	if !ok {
		return false
	}
	v.Size, v.Args = 4, []*ir.Value{x, y}
	return true
}

// useCounts counts the uses of each value.
func useCounts(f *ir.Func) []int {
	n := make([]int, f.NumValues())
	for _, b := range f.Blocks {
		b.Uses(func(p **ir.Value) { n[(*p).ID]++ })
	}
	return n
}
