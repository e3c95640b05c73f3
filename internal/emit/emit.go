// Package emit turns allocated functions into BPF instructions: one row per
// machine op, then jumps and the layout of the stack.
package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/machine"
	"github.com/whistler-lang/whistler/internal/regalloc"
	"github.com/whistler-lang/whistler/internal/slab"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Code is one function's instructions.
type Code struct {
	machine.Code
	Stack int        // bytes of stack, spills included
	Uses  []StackUse // who uses them, for the error when it is too much
}

// A StackUse is one piece of the stack.
type StackUse struct {
	Bytes int
	Name  string
	Pos   source.Pos
}

// MaxStack is what the kernel gives a program (MAX_BPF_STACK of
// <linux/filter.h>).
const MaxStack = 512

// An emitter collects the code of one function.
type emitter struct {
	r      *regalloc.Result
	cpu    int
	code   *Code
	slots  []int16 // frame offset of each stack slot
	f      *machine.Func
	blocks []*machine.Block // by the IDs of the blocks that they come from
	cur    *machine.Block
	pos    source.Pos
	from   int32
	ref    *bpf.Ref // of the next instruction
	uses   []int32  // by value: how many there are; nil until somebody asks
}

var rooms slab.Rooms[machine.Insn]

// Func emits r for BPF cpu version 2, 3 or 4, and improves what it has
// emitted by the passes of package machine but those in off.
func Func(r *regalloc.Result, cpu int, off map[string]bool) (*Code, error) {
	e := &emitter{r: r, cpu: cpu, code: &Code{}, f: &machine.Func{}, blocks: make([]*machine.Block, r.F.NumBlocks())}
	defer e.f.Free()
	e.layoutStack()
	some := 0 // instructions
	for _, b := range r.Blocks {
		e.blocks[b.IR.ID] = e.f.NewBlock()
		some += len(b.Insts) + len(b.Insts)/4 + 1
	}
	room := rooms.Take(some)
	defer rooms.Give(room)
	for _, b := range r.Blocks {
		into := e.blocks[b.IR.ID]
		into.Insns = room.Rest()
		e.cur = into
		e.from = int32(b.IR.Term.ID) + 1 // of moves before the first value
		for _, i := range b.Insts {
			e.at(i.Pos)
			if i.V != nil {
				e.from = int32(i.V.ID) + 1
			}
			e.inst(i)
		}
		e.term(b)
		into.Insns = room.Keep(into.Insns)
	}
	machine.Improve(e.f, off)
	code, err := machine.Layout(e.f, cpu)
	if err != nil {
		return nil, err
	}
	e.code.Code = *code
	return e.code, nil
}

// layoutStack gives slots and spills their places below R10, the most
// strictly aligned first.
func (e *emitter) layoutStack() {
	f := e.r.F
	used := make([]bool, len(f.Slots))
	for _, b := range e.r.Blocks {
		for _, i := range b.Insts {
			if i.V != nil && i.V.Slot != 0 {
				used[i.V.Slot] = true
			}
			if i.Remat != nil && i.Remat.Slot != 0 {
				used[i.Remat.Slot] = true
			}
		}
	}
	e.slots = make([]int16, len(f.Slots))
	depth := 0
	if n := 8 * e.r.Spills; n > 0 {
		depth = n
		e.code.Uses = append(e.code.Uses, StackUse{n, "values that found no register", source.Pos{}})
	}
	for _, align := range []int{8, 4, 2, 1} {
		for i, s := range f.Slots {
			if i == 0 || !used[i] || alignOf(s.Size) != align {
				continue
			}
			depth = (depth + s.Size + align - 1) / align * align
			e.slots[i] = int16(-depth)
			e.code.Uses = append(e.code.Uses, StackUse{s.Size, s.Name, s.Pos})
		}
	}
	e.code.Stack = (depth + 7) / 8 * 8
}

// alignOf is what the verifier wants of a slot: 8 for whole words, less for
// small scalars.
func alignOf(size int) int {
	switch size {
	case 1, 2, 4:
		return size
	}
	return 8
}

func (e *emitter) spillOff(l regalloc.Loc) int16 {
	return int16(-8 * (int(l-regalloc.Slot0) + 1))
}

func (e *emitter) at(p source.Pos) {
	if p.Known() {
		e.pos = p
	}
}

func (e *emitter) put(in bpf.Insn) { e.add(machine.Insn{Insn: in}) }

func (e *emitter) add(i machine.Insn) {
	i.Pos, i.Ref, i.From = e.pos, e.ref, e.from
	e.ref = nil
	e.cur.Insns = append(e.cur.Insns, i)
}

// access puts a load, a store or an atomic operation of v.
func (e *emitter) access(v *ir.Value, in bpf.Insn) {
	base := ir.PtrStack
	if v.Slot == 0 {
		base = v.Args[0].Type
	}
	e.add(machine.Insn{Insn: in, Base: base})
}

// refers notes what the next instruction names.
func (e *emitter) refers(kind bpf.RefKind, name string) { e.ref = &bpf.Ref{Kind: kind, Name: name} }

// core notes that the loader changes the next instruction.
func (e *emitter) core(v *ir.Value) {
	if v.Core != "" {
		e.refers(bpf.RefCore, v.Core)
	}
}

// wide puts a number of 64 bits, or what is named, into dst.
func (e *emitter) wide(dst bpf.Reg, n int64) {
	e.add(machine.Insn{Insn: bpf.Insn{Op: bpf.OpLdImm64, Dst: dst, Imm: int32(n)}, Hi: int32(n >> 32)})
}

// term ends the block with what b ends with.
func (e *emitter) term(b *regalloc.Block) {
	t := b.IR.Term
	e.at(t.Pos)
	e.from = int32(t.ID) + 1
	e.cur.Pos = e.pos
	e.cur.Succs = e.f.NewSuccs(len(b.IR.Succs))
	for i := range b.IR.Succs {
		e.cur.Succs[i] = e.blocks[b.IR.Succs[i].To.ID]
	}
	switch t.Op {
	case ir.OpRet:
		e.put(bpf.Insn{Op: bpf.ClassJMP | bpf.JmpExit})
	case ir.OpBr:
		e.cur.Branch = e.condition(t.Cmp, t, b.TermSrc)
		e.cur.Branch.Last = t.Cmp == ir.OpTest && e.last(t.Args[0], b.IR)
	}
}

// last reports whether b's end is the last to use v, which b has or gets, and what
// the verifier learns there of v tells it of nothing else: it knows of a sum with a
// constant, of a move, or of what lies in the stack, that it is v once more.
func (e *emitter) last(v *ir.Value, b *ir.Block) bool {
	if linked(v) || !v.IsParamOf(b) && !slices.Contains(b.Values, v) {
		return false
	}
	if e.uses == nil {
		e.uses = make([]int32, e.r.F.NumValues())
		for _, b := range e.r.F.Blocks {
			b.Uses(func(v **ir.Value) { e.uses[(*v).ID]++ })
		}
	}
	here := int32(0)
	for _, w := range b.Values {
		for _, x := range w.Args {
			if x == v && linked(w) {
				return false
			} else if x == v {
				here++
			}
		}
	}
	for _, x := range b.Term.Args {
		if x == v {
			here++
		}
	}
	return here == e.uses[v.ID]
}

// linked reports whether v may be its operand, differ from it by a constant, or
// have it from the stack or put it there.
func linked(v *ir.Value) bool {
	switch v.Op {
	case ir.OpCopy, ir.OpReload, ir.OpSpill, ir.OpAdd, ir.OpSub, ir.OpZext, ir.OpSext, ir.OpStore:
		return true
	case ir.OpLoad, ir.OpLoadS:
		return v.Slot != 0
	}
	return false
}

func reg(l regalloc.Loc) bpf.Reg { return bpf.Reg(l) }

var aluOps = [...]uint8{255: 0, ir.OpAdd: bpf.AluAdd, ir.OpSub: bpf.AluSub, ir.OpMul: bpf.AluMul, ir.OpUDiv: bpf.AluDiv,
	ir.OpUMod: bpf.AluMod, ir.OpSDiv: bpf.AluDiv, ir.OpSMod: bpf.AluMod, ir.OpAnd: bpf.AluAnd, ir.OpOr: bpf.AluOr,
	ir.OpXor: bpf.AluXor, ir.OpShl: bpf.AluLsh, ir.OpShr: bpf.AluRsh, ir.OpSar: bpf.AluArsh}

var jumpOps = [...]uint8{255: 0, ir.OpEq: bpf.JmpEq, ir.OpNe: bpf.JmpNe, ir.OpUlt: bpf.JmpLt, ir.OpUle: bpf.JmpLe,
	ir.OpUgt: bpf.JmpGt, ir.OpUge: bpf.JmpGe, ir.OpSlt: bpf.JmpSlt, ir.OpSle: bpf.JmpSle, ir.OpSgt: bpf.JmpSgt,
	ir.OpSge: bpf.JmpSge, ir.OpTest: bpf.JmpSet}

// Condition is the condition of a jump by which op is tested.
func Condition(op ir.Op) uint8 { return jumpOps[op] }

var atomicOps = map[string]int32{"add": bpf.AtomicAdd, "or": bpf.AtomicOr, "and": bpf.AtomicAnd, "xor": bpf.AtomicXor,
	"fetch-add": bpf.AtomicAdd | bpf.AtomicFetch, "fetch-or": bpf.AtomicOr | bpf.AtomicFetch,
	"fetch-and": bpf.AtomicAnd | bpf.AtomicFetch, "fetch-xor": bpf.AtomicXor | bpf.AtomicFetch,
	"xchg": bpf.AtomicXchg, "cmpxchg": bpf.AtomicCmpxchg}

func aluClass(size uint8) uint8 {
	if size == 4 {
		return bpf.ClassALU
	}
	return bpf.ClassALU64
}

func jumpClass(size uint8) uint8 {
	if size == 4 {
		return bpf.ClassJMP32
	}
	return bpf.ClassJMP
}

func (e *emitter) mov(dst, src bpf.Reg) {
	if dst != src {
		e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: dst, Src: src})
	}
}

// constant puts n into dst: one slot where 32 bits say it, else two.
func (e *emitter) constant(dst bpf.Reg, n int64) {
	switch {
	case n == int64(int32(n)):
		e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov, Dst: dst, Imm: int32(n)})
	case n == int64(uint32(n)):
		e.put(bpf.Insn{Op: bpf.ClassALU | bpf.AluMov, Dst: dst, Imm: int32(n)})
	default:
		e.wide(dst, n)
	}
}

func (e *emitter) remat(dst bpf.Reg, v *ir.Value) {
	switch v.Op {
	case ir.OpConst:
		e.constant(dst, v.Aux)
	case ir.OpStackAddr:
		e.mov(dst, bpf.R10)
		e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluAdd, Dst: dst, Imm: int32(int64(e.slots[v.Slot]) + v.Aux)})
	case ir.OpMapAddr:
		kind := bpf.RefMap
		switch v.Type {
		case ir.PtrValue:
			kind = bpf.RefGlobal
		case ir.PtrFunc:
			kind = bpf.RefFunc
		}
		e.refers(kind, v.Sym)
		e.wide(dst, 0)
	}
}

func (e *emitter) inst(i regalloc.Inst) {
	if i.V != nil {
		e.value(i)
		return
	}
	switch {
	case i.Remat != nil && i.Dst.IsSlot():
		e.put(bpf.Insn{Op: bpf.ClassST | bpf.ModeMem | bpf.SizeDW, Dst: bpf.R10, Off: e.spillOff(i.Dst), Imm: int32(i.Remat.Aux)})
	case i.Remat != nil:
		e.remat(reg(i.Dst), i.Remat)
	case i.Dst.IsSlot():
		e.put(bpf.Insn{Op: bpf.ClassSTX | bpf.ModeMem | bpf.SizeDW, Dst: bpf.R10, Src: reg(i.Src[0]), Off: e.spillOff(i.Dst)})
	case i.Src[0].IsSlot():
		e.put(bpf.Insn{Op: bpf.ClassLDX | bpf.ModeMem | bpf.SizeDW, Dst: reg(i.Dst), Src: bpf.R10, Off: e.spillOff(i.Src[0])})
	default:
		e.mov(reg(i.Dst), reg(i.Src[0]))
	}
}

// address is base register and offset of a memory op; rest are the places
// of the arguments behind the address.
func (e *emitter) address(i regalloc.Inst) (base bpf.Reg, off int16, rest []regalloc.Loc) {
	if i.V.Slot != 0 {
		return bpf.R10, e.slots[i.V.Slot] + int16(i.V.Aux), i.Src
	}
	return reg(i.Src[0]), int16(i.V.Aux), i.Src[1:]
}

func (e *emitter) value(i regalloc.Inst) {
	v := i.V
	var dst bpf.Reg
	if i.Dst.IsReg() {
		dst = reg(i.Dst)
	}
	switch {
	case aluOps[v.Op] != 0 || v.Op == ir.OpAdd:
		e.binary(i, dst)
	case v.Op == ir.OpNeg:
		e.mov(dst, reg(i.Src[0]))
		e.put(bpf.Insn{Op: aluClass(v.Size) | bpf.AluNeg, Dst: dst})
	case v.Op == ir.OpZext:
		e.zext(dst, reg(i.Src[0]), v.Size)
	case v.Op == ir.OpSext:
		e.sext(dst, reg(i.Src[0]), v.Size)
	case v.Op == ir.OpBE:
		e.mov(dst, reg(i.Src[0]))
		e.put(bpf.Insn{Op: bpf.ClassALU | bpf.AluEnd | bpf.SrcX, Dst: dst, Imm: int32(v.Size) * 8})
	case v.Op == ir.OpBswap:
		e.bswap(dst, reg(i.Src[0]), v.Size)
	case v.Op.Compares():
		e.flag(i, dst)
	case v.Op == ir.OpLoad || v.Op == ir.OpLoadS:
		base, off, _ := e.address(i)
		mode := uint8(bpf.ModeMem)
		if v.Op == ir.OpLoadS && v.Size < 8 && e.cpu >= 4 {
			mode = bpf.ModeMemSX
		}
		e.core(v)
		e.access(v, bpf.Insn{Op: bpf.ClassLDX | mode | bpf.SizeOf(int(v.Size)), Dst: dst, Src: base, Off: off})
		if v.Op == ir.OpLoadS && mode == bpf.ModeMem {
			e.sext(dst, dst, v.Size)
		}
	case v.Op == ir.OpStore:
		base, off, rest := e.address(i)
		e.core(v)
		if v.HasImm {
			e.access(v, bpf.Insn{Op: bpf.ClassST | bpf.ModeMem | bpf.SizeOf(int(v.Size)), Dst: base, Off: off, Imm: int32(v.Imm)})
		} else {
			e.access(v, bpf.Insn{Op: bpf.ClassSTX | bpf.ModeMem | bpf.SizeOf(int(v.Size)), Dst: base, Src: reg(rest[0]), Off: off})
		}
	case v.Op == ir.OpAtomic:
		e.atomic(i, dst)
	case v.Op == ir.OpCall:
		e.put(bpf.Insn{Op: bpf.ClassJMP | bpf.JmpCall, Imm: int32(v.Aux)})
	case v.Op == ir.OpCore:
		e.core(v)
		if strings.HasPrefix(v.Core, "enumval_value") { // enumerators may have 64 bits
			e.wide(dst, v.Aux)
			return
		}
		e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov, Dst: dst, Imm: int32(v.Aux)})
	case v.Op == ir.OpKsym:
		e.refers(bpf.RefKsym, v.Sym)
		e.wide(dst, 0)
	case v.Op == ir.OpMapAddr: // of a global variable
		e.remat(dst, v)
	case v.Op == ir.OpCallKfunc:
		e.refers(bpf.RefKfunc, v.Sym)
		e.put(bpf.Insn{Op: bpf.ClassJMP | bpf.JmpCall, Src: bpf.PseudoKfuncCall, Imm: -1})
	case v.Op == ir.OpCallSub:
		e.refers(bpf.RefSubprog, v.Sym)
		e.put(bpf.Insn{Op: bpf.ClassJMP | bpf.JmpCall, Src: bpf.PseudoCall, Imm: -1})
	default:
		panic(fmt.Sprintf("no row for %v", v.LongString()))
	}
}

func (e *emitter) binary(i regalloc.Inst, dst bpf.Reg) {
	v := i.V
	op, class, off := aluOps[v.Op], aluClass(v.Size), int16(0)
	if v.Op == ir.OpSDiv || v.Op == ir.OpSMod {
		off = 1
	}
	a := reg(i.Src[0])
	if v.HasImm {
		if class == bpf.ClassALU && dst != a {
			e.put(bpf.Insn{Op: bpf.ClassALU | bpf.AluMov | bpf.SrcX, Dst: dst, Src: a})
		} else {
			e.mov(dst, a)
		}
		e.core(v)
		e.put(bpf.Insn{Op: class | op, Dst: dst, Off: off, Imm: int32(v.Imm)})
		return
	}
	b := reg(i.Src[1])
	if dst == b && dst != a && v.Op.Commutes() {
		a, b = b, a
	}
	e.mov(dst, a)
	e.put(bpf.Insn{Op: class | op | bpf.SrcX, Dst: dst, Src: b, Off: off})
}

func (e *emitter) zext(dst, src bpf.Reg, size uint8) {
	switch size {
	case 4:
		e.put(bpf.Insn{Op: bpf.ClassALU | bpf.AluMov | bpf.SrcX, Dst: dst, Src: src})
	case 8:
		e.mov(dst, src)
	default:
		e.mov(dst, src)
		e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluAnd, Dst: dst, Imm: 1<<(8*size) - 1})
	}
}

func (e *emitter) sext(dst, src bpf.Reg, size uint8) {
	if size == 8 {
		e.mov(dst, src)
		return
	}
	if e.cpu >= 4 {
		e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: dst, Src: src, Off: int16(size) * 8})
		return
	}
	e.mov(dst, src)
	n := int32(64 - 8*int(size))
	e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluLsh, Dst: dst, Imm: n})
	e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluArsh, Dst: dst, Imm: n})
}

// bswap swaps unconditionally: one instruction in v4; before, one of
// `be` and `le` is the identity, so both are applied.
func (e *emitter) bswap(dst, src bpf.Reg, size uint8) {
	e.mov(dst, src)
	if e.cpu >= 4 {
		e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluEnd, Dst: dst, Imm: int32(size) * 8})
		return
	}
	e.put(bpf.Insn{Op: bpf.ClassALU | bpf.AluEnd | bpf.SrcX, Dst: dst, Imm: int32(size) * 8})
	e.put(bpf.Insn{Op: bpf.ClassALU | bpf.AluEnd | bpf.SrcK, Dst: dst, Imm: int32(size) * 8})
}

func (e *emitter) atomic(i regalloc.Inst, dst bpf.Reg) {
	v := i.V
	base, off, rest := e.address(i)
	op := bpf.ClassSTX | bpf.ModeAtomic | bpf.SizeOf(int(v.Size))
	switch {
	case v.Sym == "cmpxchg": // args: expected, new; R0 is free, and is the result
		e.mov(bpf.R0, reg(rest[0]))
		e.access(v, bpf.Insn{Op: op, Dst: base, Src: reg(rest[1]), Off: off, Imm: bpf.AtomicCmpxchg})
		if v.Size == 4 {
			// On x86 a failed 32-bit exchange leaves the upper half of R0 as it was.
			e.zext(dst, bpf.R0, 4)
			return
		}
		e.mov(dst, bpf.R0)
	case atomicOps[v.Sym]&bpf.AtomicFetch != 0:
		e.mov(dst, reg(rest[0]))
		e.access(v, bpf.Insn{Op: op, Dst: base, Src: dst, Off: off, Imm: atomicOps[v.Sym]})
	default:
		e.access(v, bpf.Insn{Op: op, Dst: base, Src: reg(rest[0]), Off: off, Imm: atomicOps[v.Sym]})
	}
}

// flag makes 1 or 0 of a comparison.
func (e *emitter) flag(i regalloc.Inst, dst bpf.Reg) {
	e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov, Dst: dst, Imm: 1})
	b, no, end := e.cur, e.f.NewBlock(), e.f.NewBlock()
	b.Branch, b.Succs, b.Pos = e.condition(i.V.Op, i.V, i.Src), []*machine.Block{end, no}, e.pos
	e.cur = no
	e.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov, Dst: dst, Imm: 0})
	no.Succs, no.Pos = []*machine.Block{end}, e.pos
	e.cur = end
}

// condition is `if a op b`.
func (e *emitter) condition(op ir.Op, v *ir.Value, src []regalloc.Loc) *machine.Insn {
	in := bpf.Insn{Op: jumpClass(v.Size) | jumpOps[op], Dst: reg(src[0])}
	if v.HasImm {
		in.Imm = int32(v.Imm)
	} else {
		in.Op |= bpf.SrcX
		in.Src = reg(src[1])
	}
	i := e.f.NewBranch()
	*i = machine.Insn{Insn: in, Pos: e.pos, From: e.from}
	return i
}
