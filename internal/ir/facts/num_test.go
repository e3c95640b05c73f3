package facts

import (
	"math/rand"
	"testing"

	"github.com/whistler-lang/whistler/internal/ir"
)

var domainOps = []ir.Op{ir.OpCopy, ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpUDiv, ir.OpUMod, ir.OpSDiv, ir.OpSMod, ir.OpAnd, ir.OpOr, ir.OpXor,
	ir.OpShl, ir.OpShr, ir.OpSar, ir.OpNeg, ir.OpZext, ir.OpSext, ir.OpBswap, ir.OpEq, ir.OpNe, ir.OpUlt, ir.OpUle, ir.OpUgt, ir.OpUge,
	ir.OpSlt, ir.OpSle, ir.OpSgt, ir.OpSge, ir.OpTest}

// bytesOf are sets of bytes: ranges, signed ranges around 0x80, and known bits.
func bytesOf() (sets []Num) {
	edges := []uint64{0, 1, 2, 5, 16, 0x7f, 0x80, 0x81, 0xfe, 0xff}
	for i, lo := range edges {
		for _, hi := range edges[i:] {
			sets = append(sets, Range(lo, hi))
		}
	}
	for _, k := range []struct{ bits, unknown uint64 }{{0, 0xf0}, {1, 0xfe}, {0x80, 0x0f}, {0, 0x55}, {4, 0x81}} {
		sets = append(sets, Any().with(k.bits, k.unknown))
	}
	return sets
}

func members(n Num) (xs []uint64) {
	for x := uint64(0); x < 256; x++ {
		if n.Has(x) {
			xs = append(xs, x)
		}
	}
	return xs
}

// TestEvalBytes compares the sets with the ops' meaning for all bytes of
// many pairs of sets.
func TestEvalBytes(t *testing.T) {
	sets := bytesOf()
	for i, a := range sets {
		as := members(a)
		for j, b := range sets {
			if (i+j)%7 != 0 && len(as) > 20 { // a part of the large pairs
				continue
			}
			bs := members(b)
			for _, op := range domainOps {
				got := Eval(op, 1, a, b)
				for _, x := range as {
					for _, y := range bs {
						if r := op.Eval(1, x, y); !got.Has(r) {
							t.Fatalf("%v.1 of %#x (%v) and %#x (%v) is %#x, not in %v", op, x, a, y, b, r, got)
						}
					}
				}
				if op.Compares() {
					checkRefine(t, op, 1, a, b, as, bs)
				}
			}
		}
	}
}

func checkRefine(t *testing.T, op ir.Op, size uint8, a, b Num, as, bs []uint64) {
	t.Helper()
	x1, y1, ok1 := Refine(op, size, a, b)
	x0, y0, ok0 := RefineNot(op, size, a, b)
	for _, x := range as {
		for _, y := range bs {
			nx, ny, ok := x1, y1, ok1
			if op.Eval(size, x, y) == 0 {
				nx, ny, ok = x0, y0, ok0
			}
			if !ok || !nx.Has(x) || !ny.Has(y) {
				t.Fatalf("%v.%d of %#x (%v) and %#x (%v): refined to %v and %v, %v", op, size, x, a, y, b, nx, ny, ok)
			}
		}
	}
}

// TestEvalWide does the same with random sets of all sizes.
func TestEvalWide(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	number := func() uint64 {
		switch r.Intn(4) {
		case 0:
			return uint64(r.Intn(70))
		case 1:
			return -uint64(r.Intn(70))
		case 2:
			return 1<<(8<<r.Intn(4)-1) + uint64(r.Intn(5)) - 2
		}
		return r.Uint64() >> r.Intn(64)
	}
	set := func() (Num, []uint64) {
		xs := []uint64{number()}
		n := Just(xs[0])
		for range r.Intn(3) {
			x := number()
			n, xs = n.Join(Just(x)), append(xs, x)
		}
		if x := number(); n.Has(x) {
			xs = append(xs, x)
		}
		if x := n.Min + (n.Max-n.Min)/2; n.Has(x) {
			xs = append(xs, x)
		}
		if !n.settle() {
			t.Fatalf("%v of %x is empty", n, xs)
		}
		return n, xs
	}
	for range 300000 {
		a, as := set()
		b, bs := set()
		op := domainOps[r.Intn(len(domainOps))]
		size := uint8(1) << r.Intn(4)
		if op == ir.OpCopy {
			size = 0
		}
		got := Eval(op, size, a, b)
		for _, x := range as {
			for _, y := range bs {
				if z := op.Eval(size, x, y); !got.Has(z) {
					t.Fatalf("%v.%d of %#x (%v) and %#x (%v) is %#x, not in %v", op, size, x, a, y, b, z, got)
				}
			}
		}
		if op.Compares() {
			checkRefine(t, op, size, a, b, as, bs)
		}
		j := a.Join(b)
		if !j.Covers(a) || !j.Covers(b) {
			t.Fatalf("%v joined with %v is %v", a, b, j)
		}
	}
}
