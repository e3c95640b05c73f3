package opt

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// widen copies what stands side by side at once, and stores constants that
// do as one:
//
//	v1 = load.4 p+26; store.4 s1+0 v1; v2 = load.4 p+30; store.4 s1+4 v2
//	=>   v1 = load.8 p+26; store.8 s1+0 v1
//	store.2 s1+0 1; store.2 s1+2 2   =>   store.4 s1+0 0x20001
func widen(f *ir.Func, c *Config) bool {
	count := useCounts(f)
	changed := false
	for _, b := range f.Blocks {
		for i := 0; i < len(b.Values); i++ {
			v := b.Values[i]
			if v.Op != ir.OpStore || v.Size > 4 || v.Core != "" || v.HasImm {
				continue
			}
			if w := widened(f, c, b, i, count); w != nil {
				b.Values, changed = w, true
				for len(count) < f.NumValues() {
					count = append(count, 1)
				}
				i = -1 // twice as wide ones may have neighbours
			}
		}
	}
	return changed
}

// widened joins the store at i with a later one of b beside it, and gives the
// new values of b; nil where there is none.
func widened(f *ir.Func, c *Config, b *ir.Block, i int, count []int32) []*ir.Value {
	first := b.Values[i]
	to := placeOf(first)
	for k := i + 1; k < len(b.Values); k++ {
		v := b.Values[k]
		if v.Op != ir.OpStore && (v.Op.Reads() || v.Op.Writes()) {
			// Loads from elsewhere may stand between.
			if v.Op != ir.OpLoad && v.Op != ir.OpLoadS || !apart(class(v), to.class) {
				return nil
			}
			continue
		}
		if v.Op != ir.OpStore {
			continue
		}
		at := placeOf(v)
		if v.HasImm || v.Core != "" || v.Size != first.Size || at.base != to.base || at.slot != to.slot || !beside(at.off, to.off, v.Size) {
			if !apart(at.class, to.class) && (at.base != to.base || at.slot != to.slot || at.off < to.off+int64(first.Size) && to.off < at.off+int64(v.Size)) {
				return nil // may be the same bytes
			}
			continue
		}
		low, high := first, v
		if at.off < to.off {
			low, high = v, first
		}
		if !aligned(f, c, placeOf(low), 2*v.Size) {
			return nil
		}
		// Of a load that is stored by way of a copy others may know the copy.
		x, y := low.Args[len(low.Args)-1], high.Args[len(high.Args)-1]
		out := joinConstants(f, b, i, k, low, x, y)
		if out == nil {
			out = joinLoads(f, c, b, i, k, low, x, y, count)
		}
		return out
	}
	return nil
}

// A place is where a load or store goes.
type place struct {
	base  *ir.Value
	slot  int
	off   int64
	class ir.Type
}

func placeOf(v *ir.Value) place {
	if slot, off, ok := stackPlace(v); ok {
		return place{slot: slot, off: off, class: ir.PtrStack}
	}
	base, off := pointerOffset(v.Args[0])
	return place{base: base, off: off + v.Aux, class: class(v)}
}

// beside reports whether pieces of one size touch.
func beside(a, b int64, size uint8) bool { return a-b == int64(size) || b-a == int64(size) }

// apart reports whether memory of two classes is never the same.
func apart(a, b ir.Type) bool { return a != b && !anywhere(a) && !anywhere(b) }

// aligned reports whether size bytes may be accessed at p at once.
func aligned(f *ir.Func, c *Config, p place, size uint8) bool {
	if p.slot != 0 {
		s := int64(f.Slots[p.slot].Size)
		return p.off >= 0 && p.off+int64(size) <= s && p.off%int64(size) == 0 && (s >= 8 || s == 4 || s == int64(size))
	}
	switch p.class {
	case ir.PtrPacket, ir.PtrValue, ir.PtrRecord, ir.PtrMem:
		return c.Unaligned
	}
	return false
}

// joinConstants stores two constants as one, at the later store.
func joinConstants(f *ir.Func, b *ir.Block, i, k int, low, x, y *ir.Value) []*ir.Value {
	m, ok1 := x.IsConst()
	n, ok2 := y.IsConst()
	if !ok1 || !ok2 {
		return nil
	}
	w := uint(low.Size) * 8
	all := int64(ir.Trunc(uint64(m), w) | ir.Trunc(uint64(n), w)<<w)
	if low.Size == 4 && all != int64(int32(all)) {
		return nil // the machine stores 32 bits, and their sign
	}
	c := f.Const(all, low.Pos)
	out := slices.Clone(b.Values)
	out[k] = storeOf(f, low, c)
	out[i] = c
	return out
}

// joinLoads copies two pieces as one: the load stands at the later of the
// loads, the store at the later store.
func joinLoads(f *ir.Func, c *Config, b *ir.Block, i, k int, low, x, y *ir.Value, count []int32) []*ir.Value {
	if x == y || x.Op != ir.OpLoad || y.Op != ir.OpLoad || x.Size != low.Size || y.Size != low.Size || x.Core != "" || y.Core != "" ||
		x.Type != ir.Scalar || y.Type != ir.Scalar || count[x.ID] != 1 || count[y.ID] != 1 {
		return nil
	}
	p, q := placeOf(x), placeOf(y)
	if p.base != q.base || p.slot != q.slot || q.off-p.off != int64(low.Size) || !aligned(f, c, p, 2*low.Size) {
		return nil
	}
	at := [2]int{slices.Index(b.Values, x), slices.Index(b.Values, y)}
	from, to := min(at[0], at[1]), max(at[0], at[1])
	if from < 0 || to > k {
		return nil
	}
	for n := from; n < k; n++ { // nothing may write what is loaded later, or at once, than before
		if v := b.Values[n]; n != i && v.Op.Writes() && (v.Op != ir.OpStore || !apart(class(v), p.class)) || n == i && !apart(class(b.Values[i]), p.class) {
			return nil
		}
	}
	wide := f.NewValue(ir.OpLoad, x.Pos, x.Args...)
	wide.Size, wide.Aux, wide.Slot = 2*x.Size, x.Aux, x.Slot
	out := slices.Clone(b.Values)
	out[k] = storeOf(f, low, wide)
	out[from], out[to] = nil, wide
	out[i] = nil
	return slices.DeleteFunc(out, func(v *ir.Value) bool { return v == nil })
}

// storeOf is a store of v to where low stores, twice as wide.
func storeOf(f *ir.Func, low, v *ir.Value) *ir.Value {
	args := append(slices.Clone(low.Args[:len(low.Args)-1]), v)
	s := f.NewValue(ir.OpStore, low.Pos, args...)
	s.Size, s.Aux, s.Slot = 2*low.Size, low.Aux, low.Slot
	return s
}
