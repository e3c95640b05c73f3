// Package machine is code in registers, in blocks: what the allocator has
// left to improve is improved here, and then the blocks are laid out one
// behind the other. passes.go is the list of passes.
package machine

import (
	"slices"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/slab"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Func is one function. Blocks[0] is the entry.
type Func struct {
	Blocks []*Block
	nextB  int

	scratch *scratch
	made    slab.Lent[Block]
	jumps   slab.Lent[Insn]
	succs   slab.Lent[*Block]
}

// A step is a block on the way of order, and which successor is next.
type step struct {
	b    *Block
	next int
}

// A Block runs its instructions and leaves: with a Branch to Succs[0] if its
// condition holds, else to Succs[1]; without one to Succs[0]; without
// successors it ends the function.
type Block struct {
	ID     int
	Insns  []Insn
	Branch *Insn // a conditional jump; its offset says nothing
	Succs  []*Block
	Pos    source.Pos // of what ends it
}

// An Insn is an instruction of one or two slots, what it refers to, and the
// form that it comes from.
type Insn struct {
	bpf.Insn
	Hi  int32    // upper half of an ld_imm64's number
	Ref *bpf.Ref // nil for none; its Slot says nothing
	Pos source.Pos
	// From is the value that it was made for, by its number, plus one; 0 for none.
	// Also are others, for which there was the same instruction.
	From int32
	// Base is where the address of a load, store or atomic operation points:
	// the verifier wants one kind of pointer at each.
	Base types.Space
	// Last says of a Branch that nobody asks for the number that it tests any more,
	// wherever that is.
	Last bool
	Also []int32
}

// NewBlock adds an empty block at the end.
func (f *Func) NewBlock() *Block {
	b := f.made.New(&blockPool)
	b.ID = f.nextB
	f.nextB++
	f.Blocks = append(f.Blocks, b)
	return b
}

// NewBranch gives an instruction, all zero, for a Branch.
func (f *Func) NewBranch() *Insn { return f.jumps.New(&jumpPool) }

// NewSuccs gives room for the n successors of a block.
func (f *Func) NewSuccs(n int) []*Block { return f.succs.Take(&succPool, n) }

// Slots is how many slots i takes.
func (i *Insn) Slots() int {
	if i.IsLdImm64() {
		return 2
	}
	return 1
}

// alsoFor says that i stands for j, too.
func (i *Insn) alsoFor(j *Insn) {
	if j.From > 0 && j.From != i.From {
		i.Also = append(i.Also, j.From)
	}
	i.Also = append(i.Also, j.Also...)
	i.Last = i.Last && j.Last
}

// same reports whether two instructions do the same.
func (i *Insn) same(j *Insn) bool {
	if i.Insn != j.Insn || i.Hi != j.Hi || i.Base != j.Base || (i.Ref == nil) != (j.Ref == nil) {
		return false
	}
	return i.Ref == nil || i.Ref.Kind == j.Ref.Kind && i.Ref.Name == j.Ref.Name
}

func bit(r bpf.Reg) uint16 { return 1 << r }

const argRegs = 0x3e // R1 to R5

// effects gives the registers that i changes and those that it reads.
// pure is true if it does nothing else.
func (i *Insn) effects() (defs, uses uint16, pure bool) {
	switch i.Class() {
	case bpf.ClassALU, bpf.ClassALU64:
		defs = bit(i.Dst)
		switch i.Op & 0xf0 {
		case bpf.AluMov:
		case bpf.AluNeg, bpf.AluEnd:
			return defs, bit(i.Dst), true
		default:
			uses = bit(i.Dst)
		}
		if i.Op&bpf.SrcX != 0 {
			uses |= bit(i.Src)
		}
		return defs, uses, true
	case bpf.ClassLD:
		return bit(i.Dst), 0, true
	case bpf.ClassLDX:
		return bit(i.Dst), bit(i.Src), true
	case bpf.ClassST:
		return 0, bit(i.Dst), false
	case bpf.ClassSTX:
		uses = bit(i.Dst) | bit(i.Src)
		if i.Op&0xe0 == bpf.ModeAtomic && i.Imm&bpf.AtomicFetch != 0 {
			defs = bit(i.Src)
			if i.Imm == bpf.AtomicCmpxchg {
				defs, uses = bit(bpf.R0), uses|bit(bpf.R0)
			}
		}
		return defs, uses, false
	}
	switch i.Op & 0xf0 {
	case bpf.JmpCall:
		uses = argRegs
		if h := helper(i); h != nil && !h.Variadic {
			uses = argRegs & (1<<(len(h.Args)+1) - 1)
		}
		return 0x3f, uses, false
	case bpf.JmpExit:
		return 0, bit(bpf.R0), false
	}
	uses = bit(i.Dst)
	if i.Op&bpf.SrcX != 0 {
		uses |= bit(i.Src)
	}
	return 0, uses, false
}

// isCall reports whether i calls something.
func (i *Insn) isCall() bool { return i.Op == bpf.ClassJMP|bpf.JmpCall }

// helper is the row of the helper that i calls, nil if it calls none.
func helper(i *Insn) *abi.Helper {
	if !i.isCall() || i.Src != 0 {
		return nil
	}
	return abi.HelperByID(i.Imm)
}

// preds counts the edges to each block, by ID.
func (f *Func) preds() []int32 {
	n := f.mem().ints.Take(f.nextB)
	for _, b := range f.Blocks {
		for _, s := range b.Succs {
			n[s.ID]++
		}
	}
	return n
}

// order gives the blocks that can be reached, each behind those that lead to
// it where no loop is around.
func (f *Func) order() []*Block {
	mem := f.mem()
	seen := mem.bools.Take(f.nextB)
	post := mem.blocks.Take(f.nextB)[:0]
	stack := append(mem.way[:0], step{f.Blocks[0], 0})
	seen[f.Blocks[0].ID] = true
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(top.b.Succs) {
			post = append(post, top.b)
			stack = stack[:len(stack)-1]
			continue
		}
		s := top.b.Succs[top.next]
		top.next++
		if !seen[s.ID] {
			seen[s.ID] = true
			stack = append(stack, step{s, 0})
		}
	}
	mem.way = stack
	slices.Reverse(post)
	return post
}

// liveness gives the registers that are alive at the start of each block, by ID.
func (f *Func) liveness() []uint16 {
	in := f.mem().masks.Take(f.nextB)
	blocks := f.order()
	for changed := true; changed; {
		changed = false
		for i := len(blocks) - 1; i >= 0; i-- {
			b := blocks[i]
			live := b.liveOut(in)
			for k := len(b.Insns) - 1; k >= 0; k-- {
				defs, uses, _ := b.Insns[k].effects()
				live = live&^defs | uses
			}
			if live != in[b.ID] {
				in[b.ID], changed = live, true
			}
		}
	}
	return in
}

// liveOut is what is alive behind b's instructions.
func (b *Block) liveOut(in []uint16) (live uint16) {
	for _, s := range b.Succs {
		live |= in[s.ID]
	}
	if b.Branch != nil {
		_, uses, _ := b.Branch.effects()
		live |= uses
	}
	return live
}
