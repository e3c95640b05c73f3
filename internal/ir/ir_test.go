package ir

import (
	"strings"
	"testing"
)

// TestVerify checks that broken functions are noticed, by what is wrong.
func TestVerify(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"func f\nb0:\n\tret v1", "no block defines"},
		{"func f\nb0(v0):\n\tv1 = add.8 v2 v0\n\tv2 = const 1\n\tret v1", "before it is defined"},
		{"func f\nb0(v0):\n\tv1 = add.8 v0\n\tret v1", "operands"},
		{"func f\nb0(v0):\n\tv1 = add.3 v0 v0\n\tret v1", "size 3"},
		{"func f\nb0(v0):\n\tjump b1\nb1(v1):\n\tret v1", "0 arguments for 1 parameters"},
		{"func f\nb0(v0):\n\tv1 = const 1\n\tv1 = const 2\n\tret v1", "defined twice"},
		{"func f\nb0(v0):\n\tjump b0(v0)", "goes to the entry"},
		{"func f\nb0(v0):\n\tbr.8 add v0 v0 b1 b1\nb1:\n\tret v0", "branch on"},
		{"func f\nb0(v0):\n\tv1 = load.4 s3+0\n\tret v1", "no slot s3"},
		{"func f\nb0(v0):\n\tv1 = const 1", "no terminator"},
		{"func f\nb0(v0):\n\tbr.8 ult v0 v0 b1 b2\nb1:\n\tv1 = const 1\n\tjump b2\nb2:\n\tret v1", "before it is defined"},
	} {
		f, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if err := Verify(f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.text, err, c.want)
		}
	}
}

// TestEval spells out the corners of the ops' meaning.
func TestEval(t *testing.T) {
	minus := func(n int64) uint64 { return uint64(-n) }
	for _, c := range []struct {
		op         Op
		size       uint8
		a, b, want uint64
	}{
		{OpUDiv, 8, 7, 0, 0}, {OpUMod, 8, 7, 0, 7}, {OpSDiv, 8, minus(7), 2, minus(3)}, {OpSMod, 8, minus(7), 2, minus(1)},
		{OpSDiv, 8, 1 << 63, minus(1), 1 << 63}, {OpSMod, 8, 1 << 63, minus(1), 0}, {OpSDiv, 8, 5, 0, 0}, {OpSMod, 8, minus(5), 0, minus(5)},
		{OpShl, 8, 1, 64, 1}, {OpShr, 8, 2, 65, 1}, {OpSar, 8, minus(8), 1, minus(4)}, {OpShl, 4, 1, 33, 2},
		{OpAdd, 4, 1<<32 - 1, 1, 0}, {OpSar, 4, 0x80000000, 31, 1<<32 - 1}, {OpSext, 1, 0x1ff, 0, minus(1)}, {OpZext, 2, minus(1), 0, 0xffff},
		{OpBE, 2, 0x1234, 0, 0x3412}, {OpBE, 4, 0xff00000012345678, 0, 0x78563412}, {OpSlt, 4, 0xffffffff, 0, 1}, {OpUlt, 4, 0xffffffff, 0, 0},
		{OpNeg, 4, 1, 0, 0xffffffff}, {OpTest, 8, 6, 2, 1}, {OpTest, 8, 4, 2, 0}, {OpCopy, 0, minus(1), 0, minus(1)},
	} {
		if got := c.op.Eval(c.size, c.a, c.b); got != c.want {
			t.Errorf("%v.%d %#x %#x = %#x, want %#x", c.op, c.size, c.a, c.b, got, c.want)
		}
	}
}

// TestNegated checks swaps and negations of comparisons on all orders of numbers.
func TestNegated(t *testing.T) {
	ns := []uint64{0, 1, 1 << 63, ^uint64(0)}
	for op := OpEq; op <= OpTest; op++ {
		neg, ok := op.Negated()
		for _, a := range ns {
			for _, b := range ns {
				if op.Swapped().Eval(8, b, a) != op.Eval(8, a, b) {
					t.Errorf("%v swapped", op)
				}
				if ok && neg.Eval(8, a, b) == op.Eval(8, a, b) {
					t.Errorf("%v negated", op)
				}
			}
		}
	}
}

// FuzzParse reads any text; what reads prints as what it reads.
func FuzzParse(f *testing.F) {
	f.Add("func f\nslot s1 8 key\nb0(v0:ctx):\n\tv1 = const 5\n\tstore.4 s1+4 v1\n\tv2 = call 1 v0 v1\n\tbr.8 ne v2 #0 b1(v1) b2\nb1(v3):\n\tret v3\nb2:\n\tret v1")
	f.Fuzz(func(t *testing.T, text string) {
		fn, err := Parse(text)
		if err != nil || Verify(fn) != nil {
			return
		}
		again, err := Parse(fn.String())
		if err != nil {
			t.Fatalf("%v\n%s", err, fn)
		}
		if again.String() != fn.String() {
			t.Fatalf("reads back as another:\n%s\n%s", fn, again)
		}
	})
}
