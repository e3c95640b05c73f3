package lang

import (
	"strconv"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// asmOps maps the operation of an arithmetic instruction to the op of the IR
// that emits as this instruction.
var asmOps = map[uint8]ir.Op{bpf.AluAdd: ir.OpAdd, bpf.AluSub: ir.OpSub, bpf.AluMul: ir.OpMul, bpf.AluDiv: ir.OpUDiv,
	bpf.AluMod: ir.OpUMod, bpf.AluAnd: ir.OpAnd, bpf.AluOr: ir.OpOr, bpf.AluXor: ir.OpXor,
	bpf.AluLsh: ir.OpShl, bpf.AluRsh: ir.OpShr, bpf.AluArsh: ir.OpSar}

var asmAtomics = map[int64]string{bpf.AtomicAdd: "add", bpf.AtomicOr: "or", bpf.AtomicAnd: "and", bpf.AtomicXor: "xor",
	bpf.AtomicAdd | bpf.AtomicFetch: "fetch-add", bpf.AtomicOr | bpf.AtomicFetch: "fetch-or",
	bpf.AtomicAnd | bpf.AtomicFetch: "fetch-and", bpf.AtomicXor | bpf.AtomicFetch: "fetch-xor", bpf.AtomicXchg: "xchg"}

// asmSizes is what the size bits of a memory instruction mean.
var asmSizes = map[uint8]int{bpf.SizeOf(1): 1, bpf.SizeOf(2): 2, bpf.SizeOf(4): 4, bpf.SizeOf(8): 8}

// An asm is one (asm opcode dst src offset immediate).
type asm struct {
	*call
	op, class, code uint8
	srcX            bool
	off, imm        int64
}

// lowerAsm is (asm opcode dst src offset immediate). Each instruction is an
// op of the IR, so that all that the compiler checks holds for it, too.
func lowerAsm(l *lowerer, c *call) val {
	a := &asm{call: c}
	op := c.constant(0)
	if op < 0 || op > 255 {
		panic(l.failAt(c.at(0), c.args[0], "%d is not an opcode", op).WithExpected("0 to 255").WithCode("asm-opcode"))
	}
	a.op, a.class, a.code, a.srcX = uint8(op), uint8(op)&7, uint8(op)&0xf0, uint8(op)&bpf.SrcX != 0
	a.off, a.imm = c.constant(3), c.constant(4)
	if a.off != int64(int16(a.off)) {
		panic(l.failAt(c.at(3), c.args[3], "the offset %d does not fit into 16 bits", a.off).WithCode("literal-too-wide"))
	}
	if a.imm != int64(int32(a.imm)) && a.imm != int64(uint32(a.imm)) {
		panic(l.failAt(c.at(4), c.args[4], "the immediate %d does not fit into 32 bits", a.imm).WithCode("literal-too-wide"))
	}
	a.imm = int64(int32(a.imm))
	switch a.class {
	case bpf.ClassALU, bpf.ClassALU64:
		return a.alu(l)
	case bpf.ClassLDX:
		return a.load(l)
	case bpf.ClassST, bpf.ClassSTX:
		return a.store(l)
	}
	if h := a.helper(); h != nil {
		return l.helper(&call{l, c.form, c.head, nil}, h)
	}
	panic(a.control(l))
}

// helper is the helper that a call instruction calls, if it takes no
// arguments: registers for them cannot be named.
func (a *asm) helper() *abi.Helper {
	if a.op != bpf.ClassJMP|bpf.JmpCall || a.constant(1) != 0 || a.constant(2) != 0 || a.off != 0 {
		return nil
	}
	h := abi.HelperByID(int32(a.imm))
	if h == nil || len(h.Params) > 0 || h.Variadic {
		return nil
	}
	return h
}

// control is the error for what changes the flow of control.
func (a *asm) control(l *lowerer) *source.Error {
	fail := func(what, hint string) *source.Error {
		return l.failAt(a.at(0), a.args[0], "`asm` cannot emit %s", what).WithHint("%s", hint).WithCode("asm-opcode")
	}
	switch {
	case a.op == bpf.ClassJMP|bpf.JmpCall:
		if h := abi.HelperByID(int32(a.imm)); h != nil && a.imm != 0 {
			if len(h.Params) == 0 {
				return fail("this call", "a call is (asm #x85 0 0 0 "+strconv.Itoa(int(a.imm))+"), or ("+h.Name+")")
			}
			return fail("calls of helpers with arguments", "call the helper by its name: ("+strings.Join(append([]string{h.Name}, h.Params...), " ")+")")
		}
		return fail("this call", "call helpers and subprograms by their names")
	case a.op == bpf.ClassJMP|bpf.JmpExit:
		return fail("exits", "use (return value)")
	case a.class == bpf.ClassLD:
		return fail("this load: it has two slots", "write the number, the map or (load type p)")
	}
	return fail("jumps", "use if, case or a loop")
}

func (a *asm) unknown(l *lowerer) *source.Error {
	return l.failAt(a.at(0), a.args[0], "the instruction with opcode %#x, offset %d and immediate %d is not known", a.op, a.off, a.imm).
		WithExpected("an arithmetic, byte order, load, store or atomic instruction").WithCode("asm-opcode")
}

// source is the second operand of an arithmetic instruction.
func (a *asm) source() val {
	if a.srcX {
		return a.arg(2)
	}
	a.arg(2)
	return val{a.l.constant(a.imm, a.l.pos), types.U64}
}

func (a *asm) alu(l *lowerer) val {
	size := uint8(4)
	if a.class == bpf.ClassALU64 {
		size = 8
	}
	unary := func(op ir.Op, size uint8, x val) val {
		l.wantInt(x, a.args[1], a.at(1), "asm")
		v := l.add(op, l.pos, x.v)
		v.Size = size
		return val{v, types.U64}
	}
	switch a.code {
	case bpf.AluNeg:
		if a.srcX || a.off != 0 {
			panic(a.unknown(l))
		}
		a.arg(2)
		return unary(ir.OpNeg, size, a.arg(1))
	case bpf.AluEnd:
		n := uint8(a.imm / 8)
		if a.imm != 16 && a.imm != 32 && a.imm != 64 || a.off != 0 || a.srcX && size == 8 {
			panic(a.unknown(l))
		}
		op := ir.OpZext // memory is little endian already
		switch {
		case size == 8:
			op = ir.OpBswap
		case a.srcX:
			op = ir.OpBE
		}
		x := a.arg(1)
		a.arg(2)
		return unary(op, n, x)
	case bpf.AluMov:
		a.arg(1)
		x := a.source()
		switch {
		case a.off == 0 && size == 8:
			return val{l.add(ir.OpCopy, l.pos, x.v), x.t}
		case a.off == 0:
			return unary(ir.OpZext, 4, x)
		case a.srcX && (a.off == 8 || a.off == 16 || a.off == 32 && size == 8):
			v := unary(ir.OpSext, uint8(a.off/8), x)
			if size == 4 {
				v = unary(ir.OpZext, 4, v)
			}
			return v
		}
		panic(a.unknown(l))
	}
	op, ok := asmOps[a.code]
	switch {
	case a.off == 1 && op == ir.OpUDiv:
		op = ir.OpSDiv
	case a.off == 1 && op == ir.OpUMod:
		op = ir.OpSMod
	case !ok || a.off != 0:
		panic(a.unknown(l))
	}
	x, y := a.arg(1), a.source()
	if !a.srcX {
		switch op {
		case ir.OpUDiv, ir.OpUMod, ir.OpSDiv, ir.OpSMod:
			if a.imm == 0 {
				panic(l.failAt(a.at(4), a.args[4], "division by zero").WithExpected("a divisor other than 0").WithCode("zero-division"))
			}
		case ir.OpShl, ir.OpShr, ir.OpSar:
			if a.imm < 0 || a.imm >= 8*int64(size) {
				panic(l.failAt(a.at(4), a.args[4], "a shift by %d bits", a.imm).WithExpected("0 to %d", 8*size-1).WithCode("shift-count"))
			}
		}
	}
	if x.t.IsPtr() && size == 8 && (op == ir.OpAdd || op == ir.OpSub) && !y.t.IsPtr() {
		return l.move(x, y, op)
	}
	l.wantInt(x, a.args[1], a.at(1), "asm")
	l.wantInt(y, a.args[2], a.at(2), "asm")
	if (op == ir.OpSDiv || op == ir.OpSMod) && size == 4 {
		// The IR divides signed numbers at 64 bits.
		x, y = val{l.truncate(x, types.I32), types.I32}, val{l.truncate(y, types.I32), types.I32}
		v := l.add(op, l.pos, x.v, y.v)
		return val{l.truncate(val{v, types.U64}, types.U32), types.U64}
	}
	v := l.add(op, l.pos, x.v, y.v)
	v.Size = size
	return val{v, types.U64}
}

// memory is the pointer of a memory instruction, argument i.
func (a *asm) memory(l *lowerer, i int) val {
	p := a.arg(i)
	l.wantPtr(a.call, i, p)
	if p.t.Space == types.PtrCtx {
		panic(l.failAt(a.at(i), a.args[i], "`asm` does not access the context").WithHint("use (ctx field)").WithCode("context-read"))
	}
	return p
}

func (a *asm) load(l *lowerer) val {
	mode, size := a.op&0xe0, asmSizes[a.op&0x18]
	if a.imm != 0 || mode != bpf.ModeMem && mode != bpf.ModeMemSX || mode == bpf.ModeMemSX && size == 8 {
		panic(a.unknown(l))
	}
	a.arg(1)
	t := types.ScalarOf(size, mode == bpf.ModeMemSX)
	return l.loadAt(a.memory(l, 2), a.off, t)
}

func (a *asm) store(l *lowerer) val {
	mode, size := a.op&0xe0, asmSizes[a.op&0x18]
	p := a.memory(l, 1)
	atomic, known := asmAtomics[a.imm]
	switch {
	case mode == bpf.ModeMem && a.class == bpf.ClassST:
		a.arg(2)
		v := val{l.constant(a.imm, l.pos), types.U64}
		l.storeAt(p, a.off, size, v.v)
		return v
	case mode == bpf.ModeMem:
		v := a.arg(2)
		l.storeAt(p, a.off, size, v.v)
		return v
	case mode == bpf.ModeAtomic && a.class == bpf.ClassSTX && a.imm == bpf.AtomicCmpxchg:
		panic(l.failAt(a.at(4), a.args[4], "`asm` has no operand for what this instruction expects in R0").WithHint("use atomic-cmpxchg").WithCode("asm-opcode"))
	case mode == bpf.ModeAtomic && a.class == bpf.ClassSTX && known && size >= 4:
		x := a.int(2)
		v := l.add(ir.OpAtomic, l.pos, p.v, x.v)
		v.Size, v.Aux, v.Sym = uint8(size), a.off, atomic
		if a.imm&bpf.AtomicFetch == 0 {
			return x
		}
		return val{v, types.ScalarOf(size, false)}
	}
	panic(a.unknown(l))
}
