// Package ir is the compiler's one intermediate form: functions of basic
// blocks, in SSA, where a block takes parameters instead of having phis.
// Every value is 64 bits wide; a value of a narrower Size is zero above it.
package ir

import (
	"github.com/whistler-lang/whistler/internal/slab"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Func is one BPF function. Blocks[0] is the entry; its parameters are the
// function's.
type Func struct {
	Name   string
	Blocks []*Block
	Slots  []*Slot // the stack; Slots[0] is unused, so that Slot 0 means none
	nextV  int
	nextB  int

	values slab.Lent[Value] // for NewValue
	lists  slab.Lent[*Value]
	blocks slab.Lent[Block]
	edges  slab.Lent[Edge]

	scratch *scratch // nil if nothing is taken
	tree    *kept    // the dominators that were asked for last, nil if nobody has
}

var (
	values = slab.Pool[Value]{AtOnce: 32}
	lists  = slab.Pool[*Value]{AtOnce: 256}
	blocks = slab.Pool[Block]{AtOnce: 16}
	edges  = slab.Pool[Edge]{AtOnce: 32}
)

// Free gives the memory of f to the functions that are made next: nobody may look
// at f, its blocks or its values any more.
func (f *Func) Free() {
	f.Done()
	f.tree.free()
	f.values.Back(&values)
	f.lists.Back(&lists)
	f.blocks.Back(&blocks)
	f.edges.Back(&edges)
	*f = Func{}
}

// A Slot is a piece of the function's stack.
type Slot struct {
	Size int // bytes
	Name string
	Pos  source.Pos
}

// A Block runs its Values in order and leaves by Term, along one of Succs.
// A branch goes to Succs[0] when its condition holds, else to Succs[1].
type Block struct {
	ID     int
	Params []*Value
	Values []*Value
	Term   *Value
	Succs  []Edge
	Depth  int // how many loops are around the block, a hint for the allocator
}

// An Edge gives To its parameters.
type Edge struct {
	To   *Block
	Args []*Value
}

// Clone gives an edge with arguments of its own.
func (e Edge) Clone() Edge { return Edge{e.To, append([]*Value(nil), e.Args...)} }

// A Value is computed once and named by its ID. Pos is the form that it
// comes from.
type Value struct {
	ID   int
	Op   Op
	Cmp  Op    // OpBr: the comparison of its arguments
	Size uint8 // bytes, where the op has a size
	Type Type
	// HasImm says that the last argument is the constant Imm.
	HasImm bool
	Slot   int    // stack slot that a memory op or stackaddr addresses, 0 if none
	Aux    int64  // constant, offset, or helper number
	Sym    string // map, subprogram or atomic operation
	// Core names the CO-RE relocation that gives Aux its value, or Imm where
	// there is one: here they have what the kernel described to the compiler has.
	Core string
	Imm  int64 // the last argument, when HasImm
	Args []*Value
	Pos  source.Pos
}

// MayBeNull is the Sym of a load of an argument that may be null.
const MayBeNull = "null"

// NeverNull is the Sym of a lookup in an array at a constant index in range,
// where the target's verifier knows that it finds something.
const NeverNull = "there"

// NewFunc makes a function without blocks.
func NewFunc(name string) *Func { return &Func{Name: name, Slots: []*Slot{nil}} }

// NewBlock adds an empty block at the end.
func (f *Func) NewBlock() *Block {
	b := f.blocks.New(&blocks)
	b.ID = f.nextB
	f.nextB++
	f.Blocks = append(f.Blocks, b)
	return b
}

// NewValue makes a value with a new name. The caller puts it in a block.
func (f *Func) NewValue(op Op, pos source.Pos, args ...*Value) *Value {
	v := f.values.New(&values)
	v.ID, v.Op, v.Args, v.Pos = f.nextV, op, f.lists.Copy(&lists, args), pos
	if op.Sized() {
		v.Size = 8
	}
	f.nextV++
	return v
}

// NewEdges gives room for the n edges of a block.
func (f *Func) NewEdges(n int) []Edge { return f.edges.Take(&edges, n) }

// List makes a list of f of vs.
func (f *Func) List(vs ...*Value) []*Value { return f.lists.Copy(&lists, vs) }

// Room is a list of f that is empty, and has room for n.
func (f *Func) Room(n int) []*Value { return f.lists.Take(&lists, n)[:0] }

// Without is a list of f of those in list but that at i.
func (f *Func) Without(list []*Value, i int) []*Value {
	rest := f.lists.Copy(&lists, list[:len(list)-1])
	copy(rest[i:], list[i+1:])
	return rest
}

// AddTo appends v to a list of f, of parameters, values or arguments.
func (f *Func) AddTo(list []*Value, v *Value) []*Value { return f.lists.Append(&lists, list, v) }

// NewSlot adds size bytes of stack.
func (f *Func) NewSlot(size int, name string, pos source.Pos) int {
	f.Slots = append(f.Slots, &Slot{size, name, pos})
	return len(f.Slots) - 1
}

// NumValues bounds all value IDs; NumBlocks all block IDs.
func (f *Func) NumValues() int { return f.nextV }

// NumBlocks bounds the IDs of f's blocks.
func (f *Func) NumBlocks() int { return f.nextB }

// Const makes a constant; the caller puts it in a block.
func (f *Func) Const(n int64, pos source.Pos) *Value {
	v := f.NewValue(OpConst, pos)
	v.Aux = n
	return v
}

// NewParam adds a parameter to b.
func (f *Func) NewParam(b *Block, t Type, pos source.Pos) *Value {
	v := f.NewValue(OpParam, pos)
	v.Type = t
	b.Params = f.AddTo(b.Params, v)
	return v
}

// Append puts v at the end of b.
func (b *Block) Append(v *Value) *Value {
	b.Values = append(b.Values, v)
	return v
}

// Insert puts v before value i of b.
func (b *Block) Insert(i int, v *Value) {
	b.Values = append(b.Values, nil)
	copy(b.Values[i+1:], b.Values[i:])
	b.Values[i] = v
}

// Uses calls f with the place of every use of a value in b, so that f may
// read it or replace it.
func (b *Block) Uses(f func(**Value)) {
	b.Args(func(list []*Value) {
		for i := range list {
			f(&list[i])
		}
	})
}

// Args calls f with every list of arguments in b: those of its values, of its
// terminator and of its edges.
func (b *Block) Args(f func([]*Value)) {
	for _, v := range b.Values {
		f(v.Args)
	}
	if b.Term != nil {
		f(b.Term.Args)
	}
	for _, e := range b.Succs {
		f(e.Args)
	}
}

// Preds lists, for each block ID, the blocks with an edge to it (twice for
// two edges).
func (f *Func) Preds() [][]*Block { return f.preds(&f.mem().tables) }

func (f *Func) preds(t *tables) [][]*Block {
	preds := t.lists.Take(f.nextB)
	n := 0
	for _, b := range f.Blocks {
		n += len(b.Succs)
	}
	all := t.blocks.Take(n)
	for _, b := range f.Blocks {
		for _, e := range b.Succs { // their lengths first
			preds[e.To.ID] = all[:len(preds[e.To.ID])+1]
		}
	}
	for _, b := range f.Blocks {
		n := len(preds[b.ID])
		preds[b.ID], all = all[:0:n], all[n:]
	}
	for _, b := range f.Blocks {
		for _, e := range b.Succs {
			preds[e.To.ID] = append(preds[e.To.ID], b)
		}
	}
	return preds
}

// IsConst gives the value of a constant.
func (v *Value) IsConst() (int64, bool) {
	for v.Op == OpCopy {
		v = v.Args[0]
	}
	return v.Aux, v.Op == OpConst
}

// Remat reports whether v takes no register and is made where it is used.
// The address of a global variable is the base of loads and stores, so it
// takes one.
func (v *Value) Remat() bool {
	return v.Op == OpConst || v.Op == OpStackAddr || v.Op == OpMapAddr && v.Type != PtrValue
}

// Operand is argument i of v with immediates: the value, or nil and the constant.
func (v *Value) Operand(i int) (*Value, int64) {
	if i < len(v.Args) {
		return v.Args[i], 0
	}
	return nil, v.Imm
}

// NumOperands counts arguments and the immediate.
func (v *Value) NumOperands() int {
	if v.HasImm {
		return len(v.Args) + 1
	}
	return len(v.Args)
}

// MakeCopy turns v into a copy of w.
func (f *Func) MakeCopy(v, w *Value) {
	v.Op, v.Args, v.Aux, v.Sym, v.Core, v.Slot, v.Imm, v.HasImm, v.Size = OpCopy, f.List(w), 0, "", "", 0, 0, false, 0
	v.Type = w.Type
}

// MakeConst turns v into the constant n.
func (v *Value) MakeConst(n int64) {
	v.Op, v.Args, v.Aux, v.Sym, v.Core, v.Slot, v.Imm, v.HasImm, v.Size = OpConst, nil, n, "", "", 0, 0, false, 0
	v.Type = Scalar
}

// IsParamOf reports whether v is a parameter of b.
func (v *Value) IsParamOf(b *Block) bool {
	if v.Op == OpParam {
		for _, p := range b.Params {
			if p == v {
				return true
			}
		}
	}
	return false
}
