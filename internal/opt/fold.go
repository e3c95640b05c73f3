package opt

import "github.com/whistler-lang/whistler/internal/ir"

// fold computes ops on constants, with the meaning of the op table, and puts
// constants on the right:
//
//	v1 = add 2 3   =>   v1 = 5         v2 = ult 7 v1   =>   v2 = ugt v1 7
func fold(f *ir.Func, _ *Config) bool {
	changed := false
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if !v.Op.Foldable() || v.Op == ir.OpCopy || v.HasImm {
				continue
			}
			changed = orient(v, &v.Op) || changed
			var c [2]int64
			all := true
			for i, a := range v.Args {
				n, ok := a.IsConst()
				c[i], all = n, all && ok
			}
			if all {
				v.MakeConst(int64(v.Op.Eval(v.Size, uint64(c[0]), uint64(c[1]))))
				changed = true
			}
		}
		if t := b.Term; t.Op == ir.OpBr && !t.HasImm {
			changed = orient(t, &t.Cmp) || changed
		}
	}
	return changed
}

// orient moves a constant first argument behind the other.
func orient(v *ir.Value, op *ir.Op) bool {
	if len(v.Args) != 2 || !op.Commutes() && !op.Compares() {
		return false
	}
	_, left := v.Args[0].IsConst()
	_, right := v.Args[1].IsConst()
	if !left || right {
		return false
	}
	v.Args[0], v.Args[1] = v.Args[1], v.Args[0]
	*op = op.Swapped()
	return true
}
