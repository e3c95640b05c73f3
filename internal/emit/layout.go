package emit

import (
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/regalloc"
)

// order lays the blocks out in reverse postorder, which puts each behind
// one that goes to it, and drops blocks that do nothing but jump on. next is
// what stands behind each block.
func (e *emitter) order() (layout []*regalloc.Block, next map[int]*ir.Block) {
	byID := map[int]*regalloc.Block{}
	for _, b := range e.r.Blocks {
		byID[b.IR.ID] = b
	}
	empty := func(b *ir.Block) bool {
		return b.Term.Op == ir.OpJump && len(byID[b.ID].Insts) == 0 && b.Succs[0].To != b
	}
	through := func(b *ir.Block) *ir.Block {
		for n := 0; empty(b) && n < len(byID); n++ {
			b = b.Succs[0].To
		}
		return b
	}
	for _, b := range e.r.Blocks {
		for i := range b.IR.Succs {
			b.IR.Succs[i].To = through(b.IR.Succs[i].To)
		}
	}
	next = map[int]*ir.Block{}
	var last *regalloc.Block
	for _, b := range e.r.F.ReversePostorder() {
		if empty(b) && b == e.r.F.Blocks[0] && len(e.r.Blocks) > 1 {
			// an entry that only jumps: begin with its target, if that comes next
			if rpo := e.r.F.ReversePostorder(); len(rpo) > 1 && rpo[1] == b.Succs[0].To {
				continue
			}
		}
		blk := byID[b.ID]
		layout = append(layout, blk)
		if last != nil {
			next[last.IR.ID] = b
		}
		last = blk
	}
	return layout, next
}

// term ends block b, behind which next stands (nil: nothing).
func (e *emitter) term(b *regalloc.Block, next *ir.Block) {
	t := b.IR.Term
	e.at(t.Pos)
	switch t.Op {
	case ir.OpRet:
		e.put(bpf.Insn{Op: bpf.ClassJMP | bpf.JmpExit})
	case ir.OpJump:
		e.jump(b.IR.Succs[0].To, next)
	case ir.OpBr:
		yes, no, cmp := b.IR.Succs[0].To, b.IR.Succs[1].To, t.Cmp
		if yes == no {
			e.jump(yes, next)
			return
		}
		if yes == next {
			if neg, ok := cmp.Negated(); ok {
				yes, no, cmp = no, yes, neg
			}
		}
		e.fixups = append(e.fixups, fixup{len(e.code.Insns), yes})
		e.branch(cmp, t, b.TermSrc, 0)
		e.jump(no, next)
	}
}

func (e *emitter) jump(to, next *ir.Block) {
	if to == next {
		return
	}
	e.fixups = append(e.fixups, fixup{len(e.code.Insns), to})
	e.put(bpf.Insn{Op: bpf.ClassJMP | bpf.JmpA})
}
