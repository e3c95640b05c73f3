package opt

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// hoist computes before a branch what both of its ways compute:
//
//	br test v2 1 b1 b2; b1: v3 = shr v1 1; b2: v4 = shr v1 1
//	=>   v3 = shr v1 1; br test v2 1 b1 b2; b2: v4 = copy v3
//
// Only numbers: a pointer's arithmetic stays behind its test. And what is
// computed from what the branch tests, which it could else be computed in the
// place of, only where nothing else is on one of the ways.
func hoist(f *ir.Func, _ *Config) bool {
	changed := false
	var preds [][]*ir.Block
	for _, b := range f.Blocks {
		if b.Term.Op != ir.OpBr {
			continue
		}
		x, y := b.Succs[0].To, b.Succs[1].To
		if x == y || len(x.Values) == 0 || len(y.Values) == 0 {
			continue
		}
		if preds == nil {
			preds = f.Preds()
		}
		if len(preds[x.ID]) != 1 || len(preds[y.ID]) != 1 {
			continue
		}
		for i := 0; i < len(x.Values) && i < 8; i++ {
			v := x.Values[i]
			if !v.Op.Foldable() || v.Op == ir.OpCopy || v.Op.Compares() || v.Type != ir.Scalar || v.Core != "" || !outside(v, x) {
				continue
			}
			k := slices.IndexFunc(y.Values[:min(len(y.Values), 8)], func(w *ir.Value) bool { return equal(v, w) })
			if k < 0 || ofTested(v, b) && !alone(x, i) && !alone(y, k) {
				continue
			}
			for j, a := range v.Args {
				if v.Args[j] = plain(a); v.Args[j].Op == ir.OpConst { // comes along
					v.Args[j] = b.Append(f.Const(v.Args[j].Aux, a.Pos))
				}
			}
			x.Values = slices.Delete(x.Values, i, i+1)
			b.Append(v)
			f.MakeCopy(y.Values[k], v)
			i--
			changed = true
		}
	}
	return changed
}

// outside reports whether all that v is computed from stands before b, or is
// a constant.
func outside(v *ir.Value, b *ir.Block) bool {
	for _, a := range v.Args {
		a = plain(a)
		if a.Op != ir.OpConst && (slices.Contains(b.Values, a) || slices.Contains(b.Params, a)) {
			return false
		}
	}
	return true
}

// equal reports whether two values compute the same.
func equal(v, w *ir.Value) bool {
	if v.Op != w.Op || v.Size != w.Size || v.HasImm != w.HasImm || v.Imm != w.Imm || v.Core != w.Core || v.Type != w.Type || len(v.Args) != len(w.Args) {
		return false
	}
	for i := range v.Args {
		a, b := plain(v.Args[i]), plain(w.Args[i])
		m, ok1 := a.IsConst()
		n, ok2 := b.IsConst()
		if a != b && !(ok1 && ok2 && m == n) {
			return false
		}
	}
	return true
}

// ofTested reports whether v is computed from a number that b's branch tests.
func ofTested(v *ir.Value, b *ir.Block) bool {
	return slices.ContainsFunc(v.Args, func(a *ir.Value) bool { return plain(a).Op != ir.OpConst && slices.Contains(b.Term.Args, a) })
}

// alone reports whether b computes nothing but value i, and goes on.
func alone(b *ir.Block, i int) bool {
	for k, v := range b.Values {
		if k != i && v.Op != ir.OpCopy && v.Op != ir.OpConst {
			return false
		}
	}
	return b.Term.Op == ir.OpJump
}
