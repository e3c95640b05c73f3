package main

import (
	"math/bits"
	"math/rand"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// odd are numbers at which things go wrong.
var odd = []uint64{0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32,
	1<<63 - 1, 1 << 63, ^uint64(0), ^uint64(1), ^uint64(7), 0xffffffff80000000, 0x0102030405060708}

// around are numbers near those that decide something in e: its constants, in
// other places and another order of bytes.
func around(e *expr) []uint64 {
	all := slices.Clone(odd)
	e.each(func(x *expr) {
		if x.op != ir.OpConst {
			return
		}
		c := uint64(x.c)
		for _, n := range []uint64{c, ^c, -c, bits.ReverseBytes64(c), bits.ReverseBytes64(c) >> 32, bits.ReverseBytes64(c) >> 48, 1 << (c & 63)} {
			all = append(all, n, n<<8, n<<16, n<<32, n>>8, n>>16, n>>32)
		}
	})
	return all
}

// inputs are n times values for the variables of e.
func inputs(e *expr, n int, rnd *rand.Rand) [][]uint64 {
	near := around(e)
	some := func() uint64 {
		x := near[rnd.Intn(len(near))]
		switch rnd.Intn(6) {
		case 0:
			return x + uint64(rnd.Intn(5)) - 2
		case 1:
			return x | rnd.Uint64()<<(8*rnd.Intn(8))
		case 2:
			return x ^ near[rnd.Intn(len(near))]
		case 3:
			return rnd.Uint64() >> rnd.Intn(64)
		}
		return x
	}
	all := make([][]uint64, n)
	for i := range all {
		all[i] = make([]uint64, mostVars+mostConsts)
		for k := range all[i] {
			all[i][k] = some()
			if k > 0 && rnd.Intn(4) == 0 {
				all[i][k] = all[i][rnd.Intn(k)]
			}
		}
	}
	return all
}

// A search looks for what computes the same as an expr, as far as its tries tell.
type search struct {
	tries [][]uint64
	want  []uint64
}

func newSearch(e *expr) *search {
	s := &search{tries: inputs(e, 3000, rand.New(rand.NewSource(1)))}
	for _, in := range s.tries {
		s.want = append(s.want, whole.eval(e, in))
	}
	return s
}

func (s *search) equal(c *expr) bool {
	for i, in := range s.tries {
		if whole.eval(c, in) != s.want[i] {
			return false
		}
	}
	return true
}

// shorter gives the cheapest expr with one op or none that computes the same as e;
// nil if there is none that costs less than limit.
func shorter(e *expr, limit int) (best *expr) {
	s := newSearch(e)
	try := func(c *expr) {
		if c.cost() < limit && (best == nil || c.cost() < best.cost()) && s.equal(c) {
			best = c
		}
	}
	leaves := leavesOf(e)
	for _, l := range leaves {
		try(l)
	}
	if best != nil {
		return best
	}
	for op := ir.Op(0); op < 255; op++ {
		if !op.Foldable() || op == ir.OpConst || op == ir.OpCopy {
			continue
		}
		for _, size := range sizesOf(op) {
			for i, a := range leaves {
				if op.Arity() == 1 {
					if a.op == ir.OpInvalid {
						try(&expr{op: op, size: size, args: []*expr{a}})
					}
					continue
				}
				for j, b := range leaves {
					if a.op == ir.OpConst || op.Commutes() && b.op != ir.OpConst && j < i {
						continue
					}
					try(&expr{op: op, size: size, args: []*expr{a, b}})
				}
			}
		}
	}
	return best
}

// sizesOf are the sizes that op has in programs, the best first.
func sizesOf(op ir.Op) []uint8 {
	switch op {
	case ir.OpZext, ir.OpSext:
		return []uint8{4, 2, 1}
	case ir.OpBE, ir.OpBswap:
		return []uint8{2, 4, 8}
	}
	return []uint8{8, 4}
}

// leavesOf are e's variables, and constants that are in it or near.
func leavesOf(e *expr) (leaves []*expr) {
	seen := map[int64]bool{}
	add := func(c int64) {
		if !seen[c] {
			seen[c] = true
			leaves = append(leaves, &expr{op: ir.OpConst, c: c})
		}
	}
	var vars [mostVars + mostConsts]bool
	var cs []int64
	e.each(func(x *expr) {
		if x.op == ir.OpInvalid && !vars[x.n] {
			vars[x.n] = true
			leaves = append(leaves, x)
		}
		if x.op == ir.OpConst {
			cs = append(cs, x.c)
		}
	})
	for _, n := range []int64{0, 1, -1} {
		add(n)
	}
	for _, c := range cs {
		for _, n := range []int64{c, c + 1, c - 1, -c, ^c, 64 - c, 32 - c, int64(uint32(c)), int64(int32(c))} {
			add(n)
		}
		if c >= 0 && c < 63 {
			add(1 << c)
			add(1<<c - 1)
			add(-1 << c)
			add(int64(^uint64(0) >> c))
		}
		for _, d := range cs {
			for _, n := range []int64{c + d, c - d, c & d, c | d, c ^ d, c * d, c << (d & 63), c >> (d & 63), int64(uint64(c) >> (d & 63))} {
				add(n)
			}
		}
	}
	for _, n := range []int64{255, 0xffff, 0xffffffff} {
		add(n)
	}
	return leaves
}
