package main

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/ir"
)

// An expr is a window: an op on exprs, a constant, or a variable.
type expr struct {
	op   ir.Op // OpInvalid: a variable; OpConst: a constant
	size uint8
	args []*expr
	n    int // the variable's number, from 0
	c    int64
}

// A space is the numbers that exprs are computed in. In the small one a byte has
// one bit, so that all of them can be tried.
type space struct{ bits uint }

var (
	whole = space{8}
	small = space{1}
)

func (s space) width(size uint8) uint { return s.bits * uint(size) }

// eval computes e, whose variables are vars.
func (s space) eval(e *expr, vars []uint64) uint64 {
	switch e.op {
	case ir.OpInvalid:
		return vars[e.n]
	case ir.OpConst:
		return ir.Trunc(uint64(e.c), s.width(8))
	}
	var x [2]uint64
	for i, a := range e.args {
		x[i] = s.eval(a, vars)
	}
	return ir.Trunc(e.op.EvalBits(s.width(e.size), x[0], x[1]), s.width(8))
}

// each calls f with e and all in it.
func (e *expr) each(f func(*expr)) {
	f(e)
	for _, a := range e.args {
		a.each(f)
	}
}

// names are those of variables in rules.
var names = []string{"x", "y", "z", "?a", "?b"}

// String is e as rules.lisp has it.
func (e *expr) String() string {
	switch e.op {
	case ir.OpInvalid:
		return names[e.n]
	case ir.OpConst:
		return fmt.Sprint(e.c)
	}
	var b strings.Builder
	b.WriteString("(" + e.op.String())
	if e.size != 8 {
		fmt.Fprintf(&b, ".%d", e.size)
	}
	for _, a := range e.args {
		b.WriteString(" " + a.String())
	}
	return b.String() + ")"
}

// cost is about what e takes, in tenths of a slot, with time for what is slow.
func (e *expr) cost() int {
	n := e.own()
	for _, a := range e.args {
		n += a.cost()
	}
	return n
}

// own is the cost of the op or constant at the top of e.
func (e *expr) own() int {
	switch e.op {
	case ir.OpInvalid:
		return 0
	case ir.OpConst:
		if e.c != int64(int32(e.c)) {
			return 20 // is loaded by an instruction of two slots
		}
		return 0
	case ir.OpMul:
		return 25
	case ir.OpUDiv, ir.OpUMod, ir.OpSDiv, ir.OpSMod:
		return 60
	case ir.OpBE, ir.OpBswap:
		return 12
	case ir.OpZext:
		if e.size < 4 {
			return 11 // and is as good, and known better
		}
	}
	return 10
}
