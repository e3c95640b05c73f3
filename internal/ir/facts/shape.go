package facts

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// A Shape says what a function became in the machine: the verifier counts
// instructions, and follows a branch that goes both ways first where it does not
// jump.
type Shape struct {
	Insns []uint16 // by value: how many it is
	Jumps []uint16 // and how many of them are jumps or calls
	Ends  []End    // by block
	// Behind says of calls that call back, by value, how many of their instructions
	// are behind the call.
	Behind map[int]uint16
	// Branches says of comparisons that jump, by value, where they do.
	Branches map[int]Branches
}

// Branches are the parts of a comparison that jumps: how many instructions stand
// before the jump, at which the verifier compares states, and how many it skips.
type Branches struct{ Lead, Skip uint16 }

// An End is what a block ends with.
type End struct {
	Jumps int8     // to which edge a comparison jumps; -1: not known
	Gotos [2]uint8 // the jumps without a condition on each edge
	// Masked says that a test of bits became one of what is left of the number,
	// which teaches nothing of the number itself.
	Masked bool
}

// masked reports whether b's branch, which tests t, is Masked.
func (a *analysis) masked(b *ir.Block, t *ir.Value) bool {
	return a.env.Shape != nil && a.env.Shape.Ends[b.ID].Masked && t == b.Term
}

// jumpsTo is the edge to which b's comparison jumps: without a shape the one
// that is not next in order.
func (a *analysis) jumpsTo(b *ir.Block) int {
	if s := a.env.Shape; s != nil && s.Ends[b.ID].Jumps >= 0 {
		return int(s.Ends[b.ID].Jumps)
	}
	if a.next[b.ID] == b.Succs[0].To {
		return 1
	}
	return 0
}

// gotos is how many jumps without a condition are on an edge of b.
func (a *analysis) gotos(b *ir.Block, edge int) int {
	if s := a.env.Shape; s != nil {
		return int(s.Ends[b.ID].Gotos[edge])
	}
	if b.Term.Op == ir.OpBr && edge == a.jumpsTo(b) || a.next[b.ID] == b.Succs[edge].To {
		return 0
	}
	return 1
}

// count counts the instructions of v, and those of them that jump: calls are
// among them.
func (a *analysis) count(v *ir.Value) {
	n := a.weight(v)
	if v.Op == ir.OpCallSub && a.env.Walked != nil {
		n += a.env.Walked(v.Sym)
	}
	if a.insns += n; !a.st.doubt {
		a.sure += n
	}
	switch s := a.env.Shape; {
	case s != nil:
		a.jumps += int(s.Jumps[v.ID])
	case v.Op.IsCall(), v.Op.Compares(), v.Op == ir.OpBr, v.Op == ir.OpRet:
		a.jumps++
	}
}

// sides are how many instructions of v are before its jump, how many that skips,
// and how many are behind them.
func (a *analysis) sides(v *ir.Value) (lead, skip, rest int) {
	if s := a.env.Shape; s != nil && s.Jumps[v.ID] > 0 {
		x := s.Branches[v.ID]
		lead, skip = int(x.Lead), int(x.Skip)
		rest = max(0, int(s.Insns[v.ID])-lead-1-skip)
	}
	return lead, skip, rest
}

// weight is how many instructions v is, or about how many.
func (a *analysis) weight(v *ir.Value) int {
	if s := a.env.Shape; s != nil {
		return int(s.Insns[v.ID])
	}
	switch v.Op {
	case ir.OpConst, ir.OpCopy, ir.OpStackAddr, ir.OpJump:
		return 0
	}
	return 1
}

// tooComplex reports the comparison that has parted most paths, or, where few
// part, the one that the path has come by most often.
func (a *analysis) tooComplex() {
	count, x := a.parts, Finding{Kind: TooComplex, Variable: true}
	if slices.Max(count) < mostInsns/1000 {
		count, x.Variable = a.passed, false
	}
	test := a.b.Term
	if cb := a.repeated(slices.Max(count)); cb != nil {
		test, x = cb.head.Term, Finding{Kind: TooComplex, Callback: true, Needed: int64(a.passed[cb.head.ID])}
	}
	for _, b := range a.f.Blocks {
		if n := int64(count[b.ID]); b.Term.Op == ir.OpBr && n > x.Needed && !x.Callback {
			test, x.Needed = b.Term, n
		}
	}
	if v := testedBy(test); v != nil {
		test = v
	}
	a.st.doubt = false // most of the way was not
	a.report(test, x)
}
