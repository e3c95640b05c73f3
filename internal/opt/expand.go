package opt

import "github.com/whistler-lang/whistler/internal/ir"

// expand writes signed division and remainder with unsigned ones, for
// machines before v4, without a branch:
//
//	|x| = (x ^ sx) - sx             where sx = x >> 63, all ones when negative
//	x s/ y = ((|x| / |y|) ^ s) - s  where s = sx ^ sy
//	x smod y = ((|x| % |y|) ^ sx) - sx
//
// Division by zero gives 0 and the remainder x, and the most negative number
// divided by -1 is itself, as the unsigned forms give by themselves.
func expand(f *ir.Func, c *Config) bool {
	if c.CPU >= 4 {
		return false
	}
	changed := false
	for _, b := range f.Blocks {
		for i := 0; i < len(b.Values); i++ {
			v := b.Values[i]
			if v.Op != ir.OpSDiv && v.Op != ir.OpSMod {
				continue
			}
			add := func(op ir.Op, args ...*ir.Value) *ir.Value {
				n := f.NewValue(op, v.Pos, args...)
				b.Insert(i, n)
				i++
				return n
			}
			x, y := v.Args[0], v.Args[1]
			n63 := f.Const(63, v.Pos)
			b.Insert(i, n63)
			i++
			sx := add(ir.OpSar, x, n63)
			sy := add(ir.OpSar, y, n63)
			ax := add(ir.OpSub, add(ir.OpXor, x, sx), sx)
			ay := add(ir.OpSub, add(ir.OpXor, y, sy), sy)
			if v.Op == ir.OpSDiv {
				s := add(ir.OpXor, sx, sy)
				q := add(ir.OpUDiv, ax, ay)
				v.Op, v.Args = ir.OpSub, []*ir.Value{add(ir.OpXor, q, s), s}
			} else {
				r := add(ir.OpUMod, ax, ay)
				v.Op, v.Args = ir.OpSub, []*ir.Value{add(ir.OpXor, r, sx), sx}
			}
			changed = true
		}
	}
	return changed
}
