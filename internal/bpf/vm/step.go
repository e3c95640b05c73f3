package vm

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/ir"
)

// step executes the instruction at f.slot and moves f.slot on. It reports
// whether the function is over.
func (x *execution) step(f *frame) (done bool, err error) {
	in := f.prog.Insns[f.slot]
	f.slot++
	switch in.Class() {
	case bpf.ClassALU, bpf.ClassALU64:
		return false, x.alu(f, in)
	case bpf.ClassJMP, bpf.ClassJMP32:
		return x.jump(f, in)
	case bpf.ClassLD:
		return false, x.loadImm(f, in)
	default:
		return false, x.memory(f, in)
	}
}

func unknown(in bpf.Insn) error {
	return fmt.Errorf("no such instruction: %s", in.Text(bpf.Insn{}, nil))
}

// write gives a register a value; the frame pointer has one for good.
func (f *frame) write(r bpf.Reg, v uint64) error {
	if r > bpf.R9 {
		return fmt.Errorf("register R%d cannot be written", r)
	}
	f.set(r, v)
	return nil
}

var aluOps = map[uint8]ir.Op{bpf.AluAdd: ir.OpAdd, bpf.AluSub: ir.OpSub, bpf.AluMul: ir.OpMul, bpf.AluDiv: ir.OpUDiv,
	bpf.AluOr: ir.OpOr, bpf.AluAnd: ir.OpAnd, bpf.AluLsh: ir.OpShl, bpf.AluRsh: ir.OpShr, bpf.AluMod: ir.OpUMod,
	bpf.AluXor: ir.OpXor, bpf.AluArsh: ir.OpSar}

// source is the second operand: a register or the immediate with its sign.
func (f *frame) source(in bpf.Insn) (uint64, error) {
	if in.Op&bpf.SrcX != 0 {
		return f.get(in.Src)
	}
	return uint64(int64(in.Imm)), nil
}

func (x *execution) alu(f *frame, in bpf.Insn) error {
	size := uint8(8)
	if in.Class() == bpf.ClassALU {
		size = 4
	}
	op := in.Op & 0xf0
	if op == bpf.AluMov {
		v, err := f.source(in)
		if err != nil {
			return err
		}
		switch {
		case in.Off == 0:
		case in.Op&bpf.SrcX != 0 && (in.Off == 8 || in.Off == 16 || in.Off == 32 && size == 8):
			v = ir.OpSext.Eval(uint8(in.Off/8), v, 0)
		default:
			return unknown(in)
		}
		return f.write(in.Dst, ir.OpZext.Eval(size, v, 0))
	}
	a, err := f.get(in.Dst)
	if err != nil {
		return err
	}
	switch op {
	case bpf.AluNeg:
		return f.write(in.Dst, ir.OpNeg.Eval(size, a, 0))
	case bpf.AluEnd:
		if in.Imm != 16 && in.Imm != 32 && in.Imm != 64 {
			return unknown(in)
		}
		to := ir.OpZext // the machine is little-endian already
		switch {
		case size == 8 && in.Op&bpf.SrcX == 0:
			to = ir.OpBswap
		case size == 8:
			return unknown(in)
		case in.Op&bpf.SrcX != 0:
			to = ir.OpBE
		}
		return f.write(in.Dst, to.Eval(uint8(in.Imm/8), a, 0))
	}
	b, err := f.source(in)
	if err != nil {
		return err
	}
	o, ok := aluOps[op]
	switch {
	case in.Off == 1 && op == bpf.AluDiv:
		o = ir.OpSDiv
	case in.Off == 1 && op == bpf.AluMod:
		o = ir.OpSMod
	case !ok || in.Off != 0:
		return unknown(in)
	}
	return f.write(in.Dst, o.Eval(size, a, b))
}

var jumpOps = map[uint8]ir.Op{bpf.JmpEq: ir.OpEq, bpf.JmpNe: ir.OpNe, bpf.JmpGt: ir.OpUgt, bpf.JmpGe: ir.OpUge,
	bpf.JmpLt: ir.OpUlt, bpf.JmpLe: ir.OpUle, bpf.JmpSgt: ir.OpSgt, bpf.JmpSge: ir.OpSge, bpf.JmpSlt: ir.OpSlt,
	bpf.JmpSle: ir.OpSle, bpf.JmpSet: ir.OpTest}

func (x *execution) jump(f *frame, in bpf.Insn) (done bool, err error) {
	size := uint8(8)
	if in.Class() == bpf.ClassJMP32 {
		size = 4
	}
	switch op := in.Op & 0xf0; op {
	case bpf.JmpA:
		if size == 4 {
			f.slot += int(in.Imm) // gotol
		} else {
			f.slot += int(in.Off)
		}
		return false, nil
	case bpf.JmpExit:
		return true, nil
	case bpf.JmpCall:
		return false, x.call(f, in)
	default:
		o, ok := jumpOps[op]
		if !ok {
			return false, unknown(in)
		}
		a, err := f.get(in.Dst)
		if err != nil {
			return false, err
		}
		b, err := f.source(in)
		if err != nil {
			return false, err
		}
		if o.Eval(size, a, b) != 0 {
			f.slot += int(in.Off)
		}
		return false, nil
	}
}
