package opt

import (
	"math/bits"

	"github.com/whistler-lang/whistler/internal/ir"
)

// narrow drops masks, extensions and byte swaps that the known width of a
// value makes superfluous:
//
//	v1 = load.2; v2 = zext.2 v1        =>   v2 = v1
//	v1 = load.2; eq (be.2 v1) 0x0800   =>   eq v1 0x0008
//	v1 = load.4; v2 = shr v1 32        =>   v2 = 0
//	v1 = load.2; br ult.4 v1 7         =>   br ult v1 7
func narrow(f *ir.Func, _ *Config) bool {
	w := newWidths(f, false)
	// What the verifier must be able to bound keeps masks that are idle only
	// because of what the verifier does not know.
	seen := newWidths(f, true)
	bounded := offsets(f)
	width := func(v, of *ir.Value) uint8 {
		if v.ID < len(bounded) && bounded[v.ID] {
			return seen.of(of)
		}
		return w.of(of)
	}
	changed := false
	for _, b := range f.Blocks {
		for i := 0; i < len(b.Values); i++ {
			v := b.Values[i]
			switch v.Op {
			case ir.OpZext:
				if width(v, v.Args[0]) <= v.Size*8 {
					f.MakeCopy(v, v.Args[0])
					changed = true
				} else if x := v.Args[0]; (x.Op == ir.OpZext || x.Op == ir.OpSext) && x.Size >= v.Size {
					v.Args[0] = x.Args[0]
					changed = true
				} else if m, isMask := maskOf(x); isMask && x.Size == 8 && ir.Trunc(^uint64(0), uint(v.Size)*8)&^m == 0 {
					v.Args[0] = x.Args[0]
					changed = true
				}
			case ir.OpSext:
				if w.of(v.Args[0]) < v.Size*8 {
					f.MakeCopy(v, v.Args[0])
					changed = true
				} else if x := v.Args[0]; (x.Op == ir.OpZext || x.Op == ir.OpSext) && x.Size >= v.Size {
					v.Args[0] = x.Args[0]
					changed = true
				}
			case ir.OpAnd:
				if m, ok := maskOf(v); ok && v.Size == 8 {
					if known := width(v, v.Args[0]); ir.Trunc(^uint64(0), uint(known))&^m == 0 {
						f.MakeCopy(v, v.Args[0])
						changed = true
					}
				}
			case ir.OpStore:
				if !v.HasImm && v.Size < 8 {
					// Only the low bytes are stored: extensions before are idle.
					if x := v.Args[len(v.Args)-1]; (x.Op == ir.OpZext || x.Op == ir.OpSext) && x.Size >= v.Size {
						v.Args[len(v.Args)-1] = x.Args[0]
						changed = true
					} else if x.Op == ir.OpLoadS && x.Size >= v.Size && uses(f, x) == 1 {
						x.Op = ir.OpLoad
						changed = true
					}
				}
			}
			if v.Op.Foldable() && v.Op != ir.OpCopy && v.Type == ir.Scalar && w.of(v) == 0 {
				v.MakeConst(0)
				changed = true
			}
			if v.Op.Compares() {
				changed = w.unswap(f, b, &i, v, v.Op) || w.whole(v, v.Op) || changed
			}
		}
		if t := b.Term; t.Op == ir.OpBr {
			n := len(b.Values)
			changed = w.unswap(f, b, &n, t, t.Cmp) || w.whole(t, t.Cmp) || changed
		}
	}
	return changed
}

// whole compares all of numbers that have no more than 32 bits: of two equal
// comparisons one may have lost an extension by that, and the other by narrow32.
func (w *widths) whole(v *ir.Value, op ir.Op) bool {
	if v.Size != 4 || v.HasImm || len(v.Args) != 2 || op >= ir.OpSlt && op <= ir.OpSge {
		return false
	}
	for _, a := range v.Args {
		if n, ok := a.IsConst(); ok && n != int64(int32(n)) || a.Type != ir.Scalar || w.of(a) > 32 {
			return false
		}
	}
	v.Size = 8
	return true
}

// uses counts the places that use v.
func uses(f *ir.Func, v *ir.Value) (n int) {
	for _, b := range f.Blocks {
		b.Uses(func(p **ir.Value) {
			if *p == v {
				n++
			}
		})
	}
	return n
}

// unswap compares the unswapped value with the swapped constant. i is the
// place in b before which new constants go.
func (w *widths) unswap(f *ir.Func, b *ir.Block, i *int, v *ir.Value, op ir.Op) bool {
	if op != ir.OpEq && op != ir.OpNe && op != ir.OpTest || len(v.Args) != 2 || v.Size != 8 {
		return false
	}
	x := v.Args[0]
	c, isConst := v.Args[1].IsConst()
	if op == ir.OpTest { // of bits that the swapped number has
		if !isConst {
			return false
		}
		c &= int64(ir.Trunc(^uint64(0), uint(x.Size)*8))
	}
	if x.Op != ir.OpBE && x.Op != ir.OpBswap {
		return false
	}
	if isConst {
		if w.of(x.Args[0]) > x.Size*8 || uint64(c) != ir.Trunc(uint64(c), uint(x.Size)*8) {
			return false
		}
		n := f.Const(int64(x.Op.Eval(x.Size, uint64(c), 0)), v.Pos)
		w.memo = append(w.memo, make([]uint8, n.ID+1-len(w.memo))...)
		b.Insert(*i, n)
		*i++
		v.Args = f.List(x.Args[0], n)
		return true
	}
	y := v.Args[1]
	if y.Op == x.Op && y.Size == x.Size && w.of(x.Args[0]) <= x.Size*8 && w.of(y.Args[0]) <= x.Size*8 {
		v.Args = f.List(x.Args[0], y.Args[0])
		return true
	}
	return false
}

func maskOf(v *ir.Value) (uint64, bool) {
	if v.Op != ir.OpAnd {
		return 0, false
	}
	if v.HasImm {
		return uint64(v.Imm), true
	}
	m, ok := v.Args[1].IsConst()
	return uint64(m), ok
}

// offsets marks the numbers that the verifier must bound: those that move
// pointers, and those that helpers and subprograms are given.
func offsets(f *ir.Func) []bool {
	marked := f.Bools(f.NumValues())
	feeds := f.Feeds()
	work := f.ValueTable(f.NumValues())[:0]
	mark := func(v *ir.Value) {
		if !marked[v.ID] && v.Type == ir.Scalar {
			marked[v.ID] = true
			work = append(work, v)
		}
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if v.Op.IsCall() || v.Type != ir.Scalar && (v.Op == ir.OpAdd || v.Op == ir.OpSub) {
				for _, a := range v.Args {
					mark(a)
				}
			}
		}
	}
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		if v.Op.Foldable() {
			for _, a := range v.Args {
				mark(a)
			}
		}
		feeds.Each(v, mark)
	}
	return marked
}

// widths knows how many low bits of a value can be other than zero.
type widths struct {
	// verifier: know no more than the kernel's verifier, which follows no
	// division, byte swap or shift by a register.
	verifier bool
	memo     []uint8 // width+1, 0 when unknown yet
	depth    int
	cut      bool // the depth limit was met: the answer is right, but not the best
}

// newWidths begins with the parameters: as wide as what edges bring to them,
// loops included.
func newWidths(f *ir.Func, verifier bool) *widths {
	w := &widths{memo: f.Bytes(f.NumValues()), verifier: verifier}
	n := 0
	for _, b := range f.Blocks[1:] {
		n += len(b.Params)
	}
	if n == 0 {
		return w
	}
	params := f.ValueTable(n)[:0]
	for _, b := range f.Blocks[1:] {
		for _, p := range b.Params {
			if p.Type == ir.Scalar {
				params = append(params, p)
			}
		}
	}
	feeds := f.Feeds()
	// From nothing up, until it holds; what does not settle soon may be anything.
	width := f.Bytes(len(params))
	for round := 0; ; round++ {
		clear(w.memo)
		for n, p := range params {
			w.memo[p.ID] = width[n] + 1
		}
		changed := false
		for n, p := range params {
			most := width[n]
			feeds.Each(p, func(a *ir.Value) { most = max(most, w.of(a)) })
			if most > width[n] {
				switch {
				case round >= 3 && most > 32, round >= 6:
					most = 64
				case round >= 3: // arithmetic in 32 bits goes no further
					most = 32
				}
				width[n], changed = most, true
			}
		}
		if !changed {
			return w
		}
	}
}

func (w *widths) of(v *ir.Value) uint8 {
	if v.ID < len(w.memo) && w.memo[v.ID] != 0 {
		return w.memo[v.ID] - 1
	}
	if w.depth > 32 {
		w.cut = true
		return 64
	}
	w.depth++
	n := w.compute(v)
	w.depth--
	if v.ID < len(w.memo) && (!w.cut || w.depth == 0) {
		w.memo[v.ID] = n + 1
	}
	if w.depth == 0 {
		w.cut = false
	}
	return n
}

func (w *widths) compute(v *ir.Value) uint8 {
	// operand is the width of argument i or of the immediate.
	operand := func(i int) uint8 {
		if a, imm := v.Operand(i); a != nil {
			return w.of(a)
		} else {
			return uint8(bits.Len64(uint64(imm)))
		}
	}
	most := uint8(64)
	switch v.Op {
	case ir.OpCopy, ir.OpReload:
		return w.of(v.Args[0])
	case ir.OpConst:
		return uint8(bits.Len64(uint64(v.Aux)))
	case ir.OpLoad:
		if v.Type != ir.Scalar {
			return 64
		}
		return v.Size * 8
	case ir.OpZext:
		return min(v.Size*8, operand(0))
	case ir.OpSext:
		if n := operand(0); n < v.Size*8 {
			return n // the sign bit is 0
		}
		return 64
	case ir.OpBE, ir.OpBswap:
		if w.verifier {
			return 64
		}
		return v.Size * 8
	}
	if v.Op.Compares() {
		return 1
	}
	if v.Type != ir.Scalar {
		return 64
	}
	if v.Op.Sized() && v.Size == 4 && v.Op.Foldable() {
		most = 32
	}
	switch v.Op {
	case ir.OpAnd:
		return min(most, operand(0), operand(1))
	case ir.OpOr, ir.OpXor:
		return min(most, max(operand(0), operand(1)))
	case ir.OpAdd:
		return min(most, max(operand(0), operand(1))+1)
	case ir.OpMul:
		return min(most, uint8(min(64, int(operand(0))+int(operand(1)))))
	case ir.OpUDiv, ir.OpUMod:
		if w.verifier {
			return most
		}
		return min(most, operand(0))
	case ir.OpShr:
		n := operand(0)
		if a, _ := v.Operand(1); w.verifier && a != nil && a.Op != ir.OpConst {
			return most
		}
		if v.Size != 8 {
			return min(most, n)
		}
		if a, imm := v.Operand(1); a == nil {
			return min(most, n-min(n, uint8(imm&63)))
		} else if c, ok := a.IsConst(); ok {
			return min(most, n-min(n, uint8(c&63)))
		}
		return min(most, n)
	case ir.OpShl:
		n := operand(0)
		if a, imm := v.Operand(1); a == nil {
			return min(most, uint8(min(64, int(n)+int(imm&63))))
		} else if c, ok := a.IsConst(); ok {
			return min(most, uint8(min(64, int(n)+int(c&63))))
		}
	}
	return most
}
