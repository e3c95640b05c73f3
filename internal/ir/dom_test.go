package ir

import (
	"math/rand"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
)

// TestDominators compares the tree of random graphs with what the word means:
// without a block, those that it dominates cannot be reached.
func TestDominators(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 300 {
		f := NewFunc("f")
		n := 1 + r.Intn(24)
		for range n {
			f.NewBlock()
		}
		for _, b := range f.Blocks {
			b.Term = f.NewValue(OpJump, source.Pos{})
			for range r.Intn(3) {
				if n > 1 {
					b.Succs = append(b.Succs, Edge{To: f.Blocks[1+r.Intn(n-1)]})
				}
			}
		}
		dom := Dominators(f)
		reach := func(without *Block) map[*Block]bool {
			seen := map[*Block]bool{}
			var visit func(b *Block)
			visit = func(b *Block) {
				if b == without || seen[b] {
					return
				}
				seen[b] = true
				for _, e := range b.Succs {
					visit(e.To)
				}
			}
			visit(f.Blocks[0])
			return seen
		}
		all := reach(nil)
		for _, a := range f.Blocks {
			left := reach(a)
			for _, b := range f.Blocks {
				if dom.Reachable(b) != all[b] {
					t.Fatalf("reachable b%d: %v", b.ID, !all[b])
				}
				if want := all[a] && all[b] && !left[b]; all[a] && all[b] && dom.Dominates(a, b) != want {
					t.Fatalf("b%d dominates b%d: %v", a.ID, b.ID, !want)
				}
			}
		}
		pre := dom.Preorder(f)
		if len(pre) != len(all) {
			t.Fatalf("%d blocks in preorder, want %d", len(pre), len(all))
		}
		for i, a := range pre {
			inside := true
			for _, b := range pre[i+1:] {
				if is := dom.Dominates(a, b); is && !inside {
					t.Fatalf("what b%d dominates is not together", a.ID)
				} else {
					inside = is
				}
			}
			if i > 0 && (!dom.Dominates(dom.Idom(a), a) || dom.Idom(a) == a) {
				t.Fatalf("b%d is the closest dominator of b%d", dom.Idom(a).ID, a.ID)
			}
		}
	}
}
