package main

import (
	"math/bits"
	"math/rand"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/opt"
)

// A general window has variables in the place of constants, which stand for
// constants only: after those for any values.
const mostConsts = opt.MostVariables - mostVars

// generalise gives, where there are some, the exprs that e and r are for any
// constants: what r has must be computed from those of e.
func generalise(e, r *expr) (left, right *expr) {
	var cs []int64
	e.each(func(x *expr) {
		if x.op == ir.OpConst && !contains(cs, x.c) {
			cs = append(cs, x.c)
		}
	})
	// First as many constants as there can be, then fewer: 0 may mean 0.
	for n := min(len(cs), mostConsts); n > 0; n-- {
		for _, set := range subsets(cs, n) {
			left = replace(e, set)
			if left.String() == e.String() {
				continue
			}
			if right = fill(r, set, newSearch(left)); right != nil {
				return left, right
			}
		}
	}
	return nil, nil
}

func contains(cs []int64, c int64) bool {
	for _, x := range cs {
		if x == c {
			return true
		}
	}
	return false
}

func subsets(cs []int64, n int) (all [][]int64) {
	if n == 0 {
		return [][]int64{nil}
	}
	for i, c := range cs {
		for _, rest := range subsets(cs[i+1:], n-1) {
			all = append(all, append([]int64{c}, rest...))
		}
	}
	return all
}

// replace puts variables in the place of the constants.
func replace(e *expr, set []int64) *expr {
	if e.op == ir.OpConst {
		for i, c := range set {
			if e.c == c {
				return &expr{n: mostVars + i}
			}
		}
		return e
	}
	out := *e
	out.args = nil
	for _, a := range e.args {
		out.args = append(out.args, replace(a, set))
	}
	return &out
}

// fill finds for each constant of r what it is of those of the set.
func fill(r *expr, set []int64, s *search) *expr {
	at := -1
	for i, a := range r.args {
		if a.op == ir.OpConst {
			at = i
		}
	}
	if at < 0 && r.op != ir.OpConst {
		if s.equal(r) {
			return r
		}
		return nil
	}
	try := func(x *expr) *expr {
		out := x
		if at >= 0 {
			out = &expr{op: r.op, size: r.size, args: []*expr{r.args[0], r.args[1]}}
			out.args[at] = x
		}
		if s.equal(out) {
			return out
		}
		return nil
	}
	leaves := []*expr{{op: ir.OpConst, c: 0}, {op: ir.OpConst, c: 1}, {op: ir.OpConst, c: -1}, r}
	if at >= 0 {
		leaves[3] = r.args[at]
	}
	for i := range set {
		leaves = append(leaves, &expr{n: mostVars + i})
	}
	for _, l := range leaves {
		if x := try(l); x != nil {
			return x
		}
	}
	var level []*expr
	for _, op := range []ir.Op{ir.OpAdd, ir.OpSub, ir.OpAnd, ir.OpOr, ir.OpXor, ir.OpShl, ir.OpShr, ir.OpMul} {
		for _, a := range leaves {
			for _, b := range leaves {
				if a.op != ir.OpConst || b.op != ir.OpConst {
					level = append(level, &expr{op: op, size: 8, args: []*expr{a, b}})
				}
			}
		}
	}
	for _, l := range level {
		if x := try(l); x != nil {
			return x
		}
	}
	for _, l := range level {
		for _, op := range []ir.Op{ir.OpAdd, ir.OpSub, ir.OpXor} {
			for _, b := range leaves[1:3] {
				if x := try(&expr{op: op, size: 8, args: []*expr{l, b}}); x != nil {
					return x
				}
			}
		}
	}
	return nil
}

// proved says how two exprs were found to agree, "" if they do not: on all numbers
// of the small space, where that has their constants and they have few variables, and
// on many of the whole one.
func proved(e, r *expr) string {
	a, ok1 := shrink(e)
	b, ok2 := shrink(r)
	vars := map[int]bool{}
	e.each(func(x *expr) {
		if x.op == ir.OpInvalid {
			vars[x.n] = true
		}
	})
	how := "tried"
	if ok1 && ok2 && len(vars) <= 3 {
		how = "holds"
		var ns []int
		for n := range vars {
			ns = append(ns, n)
		}
		in := make([]uint64, mostVars+mostConsts)
		for i := range uint64(1) << (8 * len(ns)) {
			for k, n := range ns {
				in[n] = i >> (8 * k) & 255
			}
			if small.eval(a, in) != small.eval(b, in) {
				return ""
			}
		}
	}
	for _, in := range inputs(e, 300_000, rand.New(rand.NewSource(2))) {
		if whole.eval(e, in) != whole.eval(r, in) {
			return ""
		}
	}
	return how
}

// shrink makes e one of the small space: masks and shifts of whole bytes are of
// whole bits there. Of other constants it has only those near 0; it has no order of
// bytes.
func shrink(e *expr) (*expr, bool) {
	if e.op == ir.OpConst {
		c, ok := shrinkConst(e.c)
		return &expr{op: ir.OpConst, c: c}, ok
	}
	ok := e.op != ir.OpBE && e.op != ir.OpBswap
	out := *e
	out.args = nil
	for i, a := range e.args {
		x, fits := shrink(a)
		if i == 1 && a.op == ir.OpConst && (e.op == ir.OpShl || e.op == ir.OpShr || e.op == ir.OpSar) {
			x, fits = &expr{op: ir.OpConst, c: a.c / 8}, a.c%8 == 0
		}
		out.args, ok = append(out.args, x), ok && fits
	}
	return &out, ok
}

func shrinkConst(c int64) (int64, bool) {
	if c >= -1 && c <= 1 {
		return c, true
	}
	n := uint64(c)
	if n&(n+1) == 0 && bits.Len64(n)%8 == 0 { // a mask of bytes
		return 1<<(bits.Len64(n)/8) - 1, true
	}
	return 0, false
}
