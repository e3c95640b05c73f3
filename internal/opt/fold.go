package opt

import (
	"math/bits"

	"github.com/whistler-lang/whistler/internal/ir"
)

// fold computes ops on constants, with the meaning of the op table, and puts
// constants on the right:
//
//	v1 = add 2 3   =>   v1 = 5         v2 = ult 7 v1   =>   v2 = ugt v1 7
//	v1 = mul v0 8  =>   v1 = shl v0 3  v1 = umod v0 8  =>   v1 = and v0 7
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
		changed = powers(f, b) || changed
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

// powers turns products, quotients and remainders by powers of two into
// shifts and masks.
func powers(f *ir.Func, b *ir.Block) bool {
	changed := false
	for i := 0; i < len(b.Values); i++ {
		v := b.Values[i]
		if v.Op != ir.OpMul && v.Op != ir.OpUDiv && v.Op != ir.OpUMod || v.HasImm || v.Type != ir.Scalar || v.Core != "" {
			continue
		}
		n, ok := v.Args[1].IsConst()
		if c := uint64(n); !ok || c < 2 || c&(c-1) != 0 || plain(v.Args[1]).Op != ir.OpConst || v.Size == 4 && c > 1<<31 {
			continue
		}
		op, m := ir.OpShl, int64(bits.TrailingZeros64(uint64(n)))
		switch v.Op {
		case ir.OpUDiv:
			op = ir.OpShr
		case ir.OpUMod:
			op, m = ir.OpAnd, n-1
		}
		c := f.Const(m, v.Pos)
		b.Insert(i, c)
		i++
		v.Op, v.Args = op, []*ir.Value{v.Args[0], c}
		changed = true
	}
	return changed
}
