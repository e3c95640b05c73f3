package opt

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// count makes arithmetic of a branch both of whose ways lead to one place with
// numbers that differ by a constant:
//
//	br eq v1 7 b1 b2; b1: v2 = add v3 1; jump b3(v2); b2: jump b3(v3)
//	=>   v4 = ((v1 ^ 7) - 1) >> 63; v5 = add v3 v4; jump b3(v5)
//
// It is longer and only for functions through which there are too many paths
// for the verifier: this one makes no two of one. What moves pointers is left
// alone: of a sum the verifier knows less than of two numbers.
func count(f *ir.Func, c *Config) bool {
	if !c.Count {
		return false
	}
	changed := false
	preds := f.Preds()
	bounded := offsets(f)
	for _, b := range f.Blocks {
		if b.Term.Op != ir.OpBr {
			continue
		}
		yes, moved, ok := armOf(b, 0, preds)
		no, more, ok2 := armOf(b, 1, preds)
		if !ok || !ok2 || yes.To != no.To || len(moved)+len(more) > 8 ||
			slices.ContainsFunc(yes.To.Params, func(p *ir.Value) bool { return bounded[p.ID] }) {
			continue
		}
		if counter(f, b, yes, no, slices.Concat(moved, more)) {
			changed = true
			preds = f.Preds()
		}
	}
	if changed {
		f.Prune() // the arms
	}
	return changed
}

// armOf is where way k of b's branch leads to and with what, and the numbers
// that are computed on it; they need not be where the way is not taken.
func armOf(b *ir.Block, k int, preds [][]*ir.Block) (e ir.Edge, moved []*ir.Value, ok bool) {
	e = b.Succs[k]
	arm := e.To
	if len(preds[arm.ID]) != 1 || len(arm.Params) > 0 || arm.Term.Op != ir.OpJump || arm == b || arm.Succs[0].To == arm {
		return e, nil, true
	}
	for _, v := range arm.Values {
		if v.Op != ir.OpConst && (!v.Op.Foldable() || v.Op.Compares() || v.Type != ir.Scalar || v.Core != "") {
			return e, nil, false
		}
	}
	return arm.Succs[0], arm.Values, true
}

// counter does so where the numbers that yes and no bring to one place allow
// it; moved are those computed on the way.
func counter(f *ir.Func, b *ir.Block, yes, no ir.Edge, moved []*ir.Value) bool {
	w := newWidths(f, true)
	type difference struct {
		i    int
		base *ir.Value // what no brings, or yes
		n    int64     // what is added to it where the other way is taken
		size uint8
		onNo bool // n is added where the condition fails
	}
	var found []difference
	for i, x := range yes.Args {
		x, y := plain(x), plain(no.Args[i])
		if x == y {
			continue
		}
		if a, ok := x.IsConst(); ok {
			if c, ok := y.IsConst(); ok && a == c {
				continue
			} else if ok {
				found = append(found, difference{i: i, base: y, n: a - c, size: 8})
				continue
			}
		}
		if n, size, ok := behind(w, x, y); ok {
			found = append(found, difference{i: i, base: y, n: n, size: size})
		} else if n, size, ok := behind(w, y, x); ok {
			found = append(found, difference{i: i, base: x, n: n, size: size, onNo: true})
		} else {
			return false
		}
	}
	if len(found) == 0 {
		return false
	}
	t := b.Term
	m := &maker{f, b, t}
	b.Values = append(b.Values, moved...)
	holds := m.truth(w)
	if holds == nil {
		b.Values = b.Values[:len(b.Values)-len(moved)]
		return false
	}
	var fails *ir.Value
	args := append([]*ir.Value(nil), yes.Args...)
	for _, d := range found {
		bit := holds
		if d.onNo {
			if fails == nil {
				fails = m.op(ir.OpXor, holds, m.number(1))
			}
			bit = fails
		}
		if d.n != 1 {
			bit = m.op(ir.OpMul, bit, m.number(d.n))
		}
		v := m.op(ir.OpAdd, d.base, bit)
		v.Size = d.size
		args[d.i] = v
	}
	b.Succs = []ir.Edge{{To: yes.To, Args: args}}
	b.Term = f.NewValue(ir.OpJump, t.Pos)
	return true
}

// behind reports whether x is y and a constant.
func behind(w *widths, x, y *ir.Value) (n int64, size uint8, ok bool) {
	if x.Op != ir.OpAdd && x.Op != ir.OpSub || x.Type != ir.Scalar || len(x.Args) != 2 || plain(x.Args[0]) != y {
		return 0, 0, false
	}
	n, ok = x.Args[1].IsConst()
	if x.Op == ir.OpSub {
		n = -n
	}
	// In 32 bits the sum loses the rest of y, which is not to have any.
	return n, x.Size, ok && (x.Size == 8 || x.Size == 4 && w.of(y) <= 32)
}

// A maker puts arithmetic at the end of a block, in the place of its branch.
type maker struct {
	f *ir.Func
	b *ir.Block
	t *ir.Value
}

func (m *maker) op(op ir.Op, x, y *ir.Value) *ir.Value {
	return m.b.Append(m.f.NewValue(op, m.t.Pos, x, y))
}

func (m *maker) number(n int64) *ir.Value { return m.b.Append(m.f.Const(n, m.t.Pos)) }

// truth is 1 where the branch's condition holds, and 0 where it does not; nil
// where that takes more than a few instructions.
func (m *maker) truth(w *widths) *ir.Value {
	t := m.t
	if t.HasImm || len(t.Args) != 2 || t.Args[0].Type != ir.Scalar || t.Args[1].Type != ir.Scalar {
		return nil
	}
	x, y, cmp := plain(t.Args[0]), plain(t.Args[1]), t.Cmp
	wx, wy := w.of(x), w.of(y)
	if t.Size != 8 && max(wx, wy) > 8*t.Size {
		return nil // it compares their lower parts
	}
	not := false
	switch cmp {
	case ir.OpNe, ir.OpUge, ir.OpUle, ir.OpSge, ir.OpSle:
		cmp, not = cmp.Negated()
	}
	switch {
	case cmp == ir.OpSlt && t.Size == 8: // of numbers that have no sign, see below
		cmp = ir.OpUlt
	case cmp == ir.OpSgt && t.Size == 8:
		cmp = ir.OpUgt
	}
	if cmp == ir.OpUgt {
		x, y, cmp = y, x, ir.OpUlt
	}
	// The sign of a difference is its answer where the numbers leave room for it.
	var d *ir.Value
	switch wide := max(wx, wy) > 63; {
	case cmp == ir.OpUlt && !wide:
		d = m.op(ir.OpSub, x, y)
	case cmp == ir.OpEq && !wide:
		d = m.op(ir.OpSub, m.op(ir.OpXor, x, y), m.number(1))
	case cmp == ir.OpEq:
		d, not = m.signed(m.op(ir.OpXor, x, y), true), !not
	case cmp == ir.OpTest:
		d = m.signed(m.op(ir.OpAnd, x, y), min(wx, wy) > 63)
	default:
		return nil
	}
	bit := m.op(ir.OpShr, d, m.number(63))
	if not {
		bit = m.op(ir.OpXor, bit, m.number(1))
	}
	return bit
}

// signed is negative where d is not 0; wide says that d may be by itself.
func (m *maker) signed(d *ir.Value, wide bool) *ir.Value {
	minus := m.op(ir.OpSub, m.number(0), d)
	if wide {
		return m.op(ir.OpOr, minus, d)
	}
	return minus
}
