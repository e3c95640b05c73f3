package compile

import (
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/source"
)

// maxPending is how many branches the verifier keeps for later
// (BPF_COMPLEXITY_LIMIT_JMP_SEQ of kernel/bpf/verifier.c).
const maxPending = 8192

// checkBranches refuses a function with a path on which more branches wait
// than the verifier keeps: it goes on with one side of each and keeps the
// other.
func (fn *function) checkBranches() *source.Error {
	deep := make([]int, fn.f.NumBlocks())
	for i := range deep {
		deep[i] = -1
	}
	var last *ir.Block
	for _, b := range ir.Dominators(fn.f).RPO { // edges back do not count
		n := max(deep[b.ID], 0)
		deep[b.ID] = n
		if len(b.Succs) == 2 {
			n++
		}
		if n > maxPending && last == nil {
			last = b
		}
		for _, e := range b.Succs {
			if deep[e.To.ID] < n {
				deep[e.To.ID] = n
			}
		}
	}
	if last == nil {
		return nil
	}
	return source.Errorf(last.Term.Pos.Or(fn.pos), "`%s` has more than %d branches on one path", fn.name, maxPending).
		WithExpected("at most %d, which is what the kernel's verifier keeps", maxPending).
		WithHint("split the program with tail-call or global subprograms, or use a loop or a map").WithCode("too-large")
}
