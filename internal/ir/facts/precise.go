package facts

import (
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

// The verifier compares what it knows of a number only where that has made a
// difference: where it decided a branch, an offset, a size. When it does, the
// checkpoints on the way hear of it (mark_chain_precision of
// kernel/bpf/verifier.c). Without that, loops would have states without end.

// A position is where a path is: in b, of which it has come by the values from
// `from` to before `to`; and how it came there since the last checkpoint.
type position struct {
	b        *ir.Block
	from, to int32
	via      *passage
}

// A passage leads from a position on: over an edge, or past a comparison in
// the middle of a block. What it taught of the values named in linked it knows
// from the operands of test.
type passage struct {
	position
	test   *ir.Value
	linked int32 // where they begin in links, plus one; 0: there are none
	succ   int8  // the edge of b; -1: on in the same block
}

// matters says that what is known here of the operands of v makes a difference.
func (a *analysis) matters(v *ir.Value) {
	a.stamp++
	left := 0
	for _, x := range v.Args {
		left += a.include(x)
	}
	a.mark(left, a.position, a.last)
}

// include puts v into the set, and gives by how many it grows.
func (a *analysis) include(v *ir.Value) int {
	if v = operand(v); v == nil || v.Type != ir.Scalar || !a.need[v.ID] || a.stamps[v.ID] == a.stamp {
		return 0
	}
	a.stamps[v.ID] = a.stamp
	return 1
}

func (a *analysis) included(v *ir.Value) bool {
	v = operand(v)
	return v != nil && a.stamps[v.ID] == a.stamp
}

// mark follows the set's numbers, of which there are so many, back from p to
// what they were computed from, and marks it in the checkpoints, of which c is
// the last.
func (a *analysis) mark(left int, p position, c *checkpoint) {
	for left > 0 {
		for i := p.to - 1; i >= p.from && left > 0; i-- {
			v := p.b.Values[i]
			cell := a.cell(v)
			if cell != 0 && v.Op == ir.OpStore && a.stamps[cell] == a.stamp {
				a.stamps[cell] = 0
				left--
				if x, _ := v.Operand(v.NumOperands() - 1); x != nil {
					left += a.include(x)
				}
			}
			if a.stamps[v.ID] != a.stamp {
				continue
			}
			a.stamps[v.ID] = 0
			left--
			if cell != 0 && a.stamps[cell] != a.stamp {
				a.stamps[cell] = a.stamp
				left++
			}
			if v.Op.Foldable() {
				for _, x := range v.Args {
					left += a.include(x)
				}
			}
		}
		if left == 0 {
			return
		}
		if p.via == nil { // at c
			if c.parent == nil {
				return
			}
			a.stamp++
			left = 0
			for i, id := range c.at.ids {
				if a.stamps[id] == a.stamp-1 && !c.precise[i] {
					c.precise[i] = true
					a.stamps[id] = a.stamp
					left++
				}
			}
			p.via, c = c.via, c.parent
			if left == 0 {
				return
			}
		}
		left += a.back(p.via)
		p = p.via.position
	}
}

// back takes the set back over a passage, and gives by how many it grows.
func (a *analysis) back(w *passage) (more int) {
	teaches := false
	for i := w.linked; i > 0 && a.links[i-1] >= 0 && !teaches; i++ {
		teaches = a.stamps[a.links[i-1]] == a.stamp
	}
	if w.succ >= 0 {
		e := &w.b.Succs[w.succ]
		// All at once: a parameter may be another's argument.
		args := a.args[:0]
		for k, p := range e.To.Params {
			if a.stamps[p.ID] == a.stamp {
				a.stamps[p.ID] = 0
				more--
				if k < len(e.Args) { // others are the kernel's
					args = append(args, e.Args[k])
				}
			}
		}
		for _, x := range args {
			more += a.include(x)
		}
		a.args = args
	}
	if w.test == nil {
		return more
	}
	for _, x := range w.test.Args {
		teaches = teaches || len(w.test.Args) > 1 && a.included(x)
	}
	if teaches {
		for _, x := range w.test.Args {
			more += a.include(x)
		}
	}
	return more
}

// inherit marks what made a difference behind c for a path that ends at its
// place because c covers it.
func (a *analysis) inherit(c *checkpoint) {
	a.stamp++
	left := 0
	for i, id := range c.at.ids {
		if c.precise[i] {
			a.stamps[id] = a.stamp
			left++
		}
	}
	a.mark(left, a.position, a.last)
}

// exact reports whether what is known of v's operands makes a difference
// when it is executed.
func (a *analysis) exact(v *ir.Value) bool {
	switch v.Op {
	case ir.OpAdd, ir.OpSub:
		return v.Type != ir.Scalar
	case ir.OpCall:
		h := abi.HelperByID(int32(v.Aux))
		for i := range v.NumOperands() {
			if h == nil || i < len(h.Args) && h.Args[i] != abi.ArgScalar && h.Args[i] != abi.ArgVariadic {
				if x, _ := v.Operand(i); x != nil && operand(x) != nil && x.Type == ir.Scalar {
					return true
				}
			}
		}
	case ir.OpCallKfunc:
		return true
	}
	return false
}
