package main

import (
	"math/rand"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// odd are numbers at which things go wrong.
var odd = []uint64{0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 1 << 16, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32,
	1<<63 - 1, 1 << 63, ^uint64(0), ^uint64(1), ^uint64(7), 0xffffffff80000000, 0x0102030405060708}

// inputs are values for the variables of a window.
func inputs(n int, rnd *rand.Rand) [][]uint64 {
	all := make([][]uint64, n)
	for i := range all {
		for range mostVars {
			x := odd[rnd.Intn(len(odd))] + uint64(rnd.Intn(3)) - 1
			if rnd.Intn(3) == 0 {
				x = rnd.Uint64() >> rnd.Intn(64)
			}
			all[i] = append(all[i], x)
		}
	}
	return all
}

var tries = inputs(400, rand.New(rand.NewSource(1)))

// shorter gives an expr that computes the same as e, as far as tries tell, with one
// op or none; nil if there is none.
func shorter(e *expr) *expr {
	want := make([]uint64, len(tries))
	for i, in := range tries {
		want[i] = whole.eval(e, in)
	}
	equal := func(c *expr) bool {
		for i, in := range tries {
			if whole.eval(c, in) != want[i] {
				return false
			}
		}
		return true
	}
	leaves := leavesOf(e)
	for _, l := range leaves {
		if equal(l) {
			return l
		}
	}
	if constant(want) {
		return &expr{op: ir.OpConst, c: int64(want[0])}
	}
	for op := ir.Op(0); op < 255; op++ {
		if !op.Foldable() || op == ir.OpConst || op == ir.OpCopy {
			continue
		}
		for _, size := range sizesOf(op) {
			for i, a := range leaves {
				if op.Arity() == 1 {
					if c := (&expr{op: op, size: size, args: []*expr{a}}); a.op == ir.OpInvalid && equal(c) {
						return c
					}
					continue
				}
				for j, b := range leaves {
					if a.op == ir.OpConst && b.op == ir.OpConst || op.Commutes() && (a.op == ir.OpConst || b.op != ir.OpConst && j < i) {
						continue
					}
					if c := (&expr{op: op, size: size, args: []*expr{a, b}}); equal(c) {
						return c
					}
				}
			}
		}
	}
	return nil
}

func constant(xs []uint64) bool {
	return !slices.ContainsFunc(xs, func(x uint64) bool { return x != xs[0] })
}

func sizesOf(op ir.Op) []uint8 {
	switch op {
	case ir.OpZext, ir.OpSext, ir.OpBE, ir.OpBswap:
		return []uint8{2, 4, 8, 1}
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
	var vars [mostVars]bool
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
			for _, n := range []int64{c + d, c - d, c & d, c | d, c ^ d, c * d} {
				add(n)
			}
			if d >= 0 && d < 64 {
				add(c << d)
				add(c >> d)
				add(int64(uint64(c) >> d))
			}
		}
	}
	for _, n := range []int64{0, 1, -1, 255, 0xffff, 0xffffffff, 56, 48, 32, 16, 8} {
		add(n)
	}
	return leaves
}
