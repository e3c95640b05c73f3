package main

import (
	"github.com/whistler-lang/whistler/internal/ir"
)

// A window has at most so many ops and variables.
const (
	mostOps  = 4
	mostVars = 3
)

// windows gives what the values and branches of f compute, as far as a few ops
// tell: each with every choice of what is a variable, and with what its ops cost
// that nobody else wants.
func windows(f *ir.Func, found func(e *expr, alone int)) {
	count := make([]int, f.NumValues())
	for _, b := range f.Blocks {
		b.Uses(func(v **ir.Value) { count[plain(*v).ID]++ })
		for _, v := range b.Values {
			if v.Op == ir.OpCopy { // is no use of its own
				count[plain(v).ID]--
			}
		}
	}
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if foldable(v) {
				choices(v.Op, v, count, found)
			}
		}
		if t := b.Term; t.Op == ir.OpBr && !t.HasImm && len(t.Args) == 2 {
			choices(t.Cmp, t, count, found)
		}
	}
}

func foldable(v *ir.Value) bool {
	return v.Op.Foldable() && v.Op != ir.OpConst && v.Op != ir.OpCopy && !v.HasImm && v.Core == ""
}

func plain(v *ir.Value) *ir.Value {
	for v.Op == ir.OpCopy {
		v = v.Args[0]
	}
	return v
}

// choices gives the windows with op on v's arguments at the top.
func choices(op ir.Op, v *ir.Value, count []int, found func(e *expr, alone int)) {
	var vars []*ir.Value
	shared := map[*expr]bool{}
	// expand gives to do every expr of v of at most so many ops.
	var expand func(v *ir.Value, left int, do func(e *expr, used int))
	args := func(op ir.Op, v *ir.Value, left int, do func(e *expr, used int)) {
		if len(v.Args) == 1 {
			expand(v.Args[0], left-1, func(a *expr, used int) {
				do(&expr{op: op, size: v.Size, args: []*expr{a}}, used+1)
			})
			return
		}
		expand(v.Args[0], left-1, func(a *expr, n int) {
			expand(v.Args[1], left-1-n, func(b *expr, m int) {
				do(&expr{op: op, size: v.Size, args: []*expr{a, b}}, n+m+1)
			})
		})
	}
	expand = func(v *ir.Value, left int, do func(e *expr, used int)) {
		v = plain(v)
		if c, ok := v.IsConst(); ok {
			do(&expr{op: ir.OpConst, c: c}, 0)
			return
		}
		n := len(vars)
		for i, x := range vars {
			if x == v {
				n = i
			}
		}
		if n < mostVars {
			if n == len(vars) {
				vars = append(vars, v)
				do(&expr{n: n}, 0)
				vars = vars[:n]
			} else {
				do(&expr{n: n}, 0)
			}
		}
		if left > 0 && foldable(v) {
			args(v.Op, v, left, func(e *expr, used int) {
				shared[e] = count[v.ID] > 1
				do(e, used)
			})
		}
	}
	var alone func(e *expr) int
	alone = func(e *expr) int {
		if shared[e] {
			return 0
		}
		n := e.own()
		for _, a := range e.args {
			n += alone(a)
		}
		return n
	}
	args(op, v, mostOps, func(e *expr, used int) {
		if used > 1 {
			found(e, alone(e))
		}
	})
}
