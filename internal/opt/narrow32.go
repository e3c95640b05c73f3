package opt

import "github.com/whistler-lang/whistler/internal/ir"

// narrow32 computes in 32 bits what only the lower half of is looked at, and
// does not cut what is looked at that way:
//
//	v3 = add v1 v2; v4 = zext.4 v3          =>   v3 = add.4 v1 v2; v4 = zext.4 v3
//	v2 = zext.4 v1; v3 = xor.4 v2 v0        =>   v3 = xor.4 v1 v0
//	v2 = zext.4 v1; br ult v2 100           =>   br ult.4 v1 100
//	v2 = sext.4 v1; br slt v2 100           =>   br slt.4 v1 100
func narrow32(f *ir.Func, c *Config) bool {
	changed := false
	whole := wholes(f)
	w := newWidths(f, false)
	var count []int32
	single := func(v *ir.Value) bool {
		if count == nil {
			count = useCounts(f)
		}
		return count[v.ID] == 1
	}
	for _, b := range f.Blocks {
		zero := map[*ir.Value]int{}
		for _, v := range b.Values {
			if !whole[v.ID] && v.Size == 8 && v.Core == "" && !v.HasImm && lowHalf(v, w) {
				v.Size, changed = 4, true
			}
			if v.Size == 4 && !v.HasImm && v.Op.Foldable() && v.Op != ir.OpZext && v.Op != ir.OpSext && v.Op != ir.OpBE && v.Op != ir.OpBswap {
				for i, a := range v.Args {
					if i > 0 && !lowCount(v.Op) {
						continue
					}
					if x, ok := uncut(a); ok {
						v.Args[i], changed = x, true
					} else if upper(a) {
						zero[v] = i
					}
				}
			}
			if c.CPU >= 3 && v.Op.Compares() {
				changed = compare32(f, v, v.Op, single) || changed
			}
		}
		for i := 0; i < len(b.Values) && len(zero) > 0; i++ {
			if k, ok := zero[b.Values[i]]; ok {
				n := f.Const(0, b.Values[i].Pos)
				b.Values[i].Args[k] = n
				b.Insert(i, n)
				i++
				changed = true
			}
		}
		if t := b.Term; t.Op == ir.OpBr && c.CPU >= 3 {
			changed = compare32(f, t, t.Cmp, single) || changed
		}
	}
	return changed
}

// wholes marks the values that are looked at in more than their lower half.
func wholes(f *ir.Func) []bool {
	whole := f.Bools(f.NumValues())
	feeds := f.Feeds()
	work := f.ValueTable(f.NumValues())[:0]
	mark := func(v *ir.Value) {
		if !whole[v.ID] {
			whole[v.ID] = true
			work = append(work, v)
		}
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			for i, a := range v.Args {
				if !halfUse(v, i) && !passes(v) {
					mark(a)
				}
			}
		}
		for i, a := range b.Term.Args {
			if !halfUse(b.Term, i) {
				mark(a)
			}
		}
	}
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		if passes(v) {
			for i, a := range v.Args {
				if !halfUse(v, i) {
					mark(a)
				}
			}
		}
		feeds.Each(v, mark)
	}
	return whole
}

// passes reports whether v looks at as much of its arguments as is looked at
// of v.
func passes(v *ir.Value) bool {
	switch v.Op {
	case ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor:
		return v.Type == ir.Scalar
	case ir.OpCopy:
		return true
	case ir.OpShl:
		if len(v.Args) < 2 {
			return false
		}
		_, ok := v.Args[1].IsConst()
		return ok
	}
	return false
}

// halfUse reports whether v looks at no more than the lower half of its
// argument i.
func halfUse(v *ir.Value, i int) bool {
	switch {
	case v.Op == ir.OpStore:
		return i == len(v.Args)-1 && v.Size <= 4
	case v.Op == ir.OpZext, v.Op == ir.OpSext, v.Op == ir.OpBE, v.Op == ir.OpBswap, v.Op == ir.OpBr:
		return v.Size <= 4
	case v.Op == ir.OpAnd && v.Size == 8:
		m, ok := maskOf(v)
		return ok && i == 0 && m <= 0xffffffff
	}
	return v.Op.Foldable() && v.Op != ir.OpCopy && v.Size == 4
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
	case ir.OpShr, ir.OpUDiv, ir.OpUMod: // of what is no wider
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
	v = plain(v)
	if v.Op == ir.OpZext && v.Size == 4 && v.Args[0].Type == ir.Scalar {
		return v.Args[0], true
	}
	return nil, false
}

// signed is what v extends the sign of from 32 bits.
func signed(v *ir.Value) (*ir.Value, bool) {
	v = plain(v)
	if v.Op == ir.OpSext && v.Size == 4 && v.Args[0].Type == ir.Scalar {
		return v.Args[0], true
	}
	return nil, false
}

// upper reports whether v's lower half is 0.
func upper(v *ir.Value) bool {
	v = plain(v)
	if v.Op != ir.OpShl || v.Size != 8 || v.HasImm {
		return false
	}
	n, ok := v.Args[1].IsConst()
	return ok && n >= 32 && n < 64
}

// compare32 compares the lower halves of numbers that are cut for this
// comparison only.
func compare32(f *ir.Func, v *ir.Value, op ir.Op, single func(*ir.Value) bool) bool {
	if v.Size != 8 || v.HasImm || len(v.Args) != 2 {
		return false
	}
	if x, ok := signed(v.Args[0]); ok && single(v.Args[0]) {
		y, ok := signed(v.Args[1])
		if n, isConst := v.Args[1].IsConst(); isConst && n == int64(int32(n)) {
			y, ok = v.Args[1], true
		}
		if ok {
			v.Size, v.Args = 4, f.List(x, y)
			return true
		}
	}
	if op >= ir.OpSlt && op <= ir.OpSge {
		return false
	}
	x, ok := uncut(v.Args[0])
	if !ok || !single(v.Args[0]) {
		return false
	}
	y, ok := uncut(v.Args[1])
	if n, isConst := v.Args[1].IsConst(); isConst && n == int64(uint32(n)) {
		y, ok = v.Args[1], true
	}
	if !ok {
		return false
	}
	v.Size, v.Args = 4, f.List(x, y)
	return true
}

// useCounts counts the uses of each value.
func useCounts(f *ir.Func) []int32 {
	n := f.Ints(f.NumValues())
	for _, b := range f.Blocks {
		b.Args(func(list []*ir.Value) {
			for _, a := range list {
				n[a.ID]++
			}
		})
	}
	return n
}
