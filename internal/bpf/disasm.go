package bpf

import (
	"fmt"
	"strings"
)

var aluSigns = map[uint8]string{AluAdd: "+=", AluSub: "-=", AluMul: "*=", AluDiv: "/=", AluOr: "|=", AluAnd: "&=",
	AluLsh: "<<=", AluRsh: ">>=", AluMod: "%=", AluXor: "^=", AluMov: "=", AluArsh: "s>>="}

var jmpSigns = map[uint8]string{JmpEq: "==", JmpGt: ">", JmpGe: ">=", JmpSet: "&", JmpNe: "!=", JmpSgt: "s>",
	JmpSge: "s>=", JmpLt: "<", JmpLe: "<=", JmpSlt: "s<", JmpSle: "s<="}

var atomicSigns = map[int32]string{AtomicAdd: "+=", AtomicOr: "|=", AtomicAnd: "&=", AtomicXor: "^="}

var atomicNames = map[int32]string{AtomicAdd: "add", AtomicOr: "or", AtomicAnd: "and", AtomicXor: "xor"}

// Text writes i in the kernel's notation: r0 = *(u32 *)(r3 +0). next is the
// slot behind it, which ld_imm64 needs; helper names a helper by its number
// and may be nil. The second slot of an ld_imm64 has no text of its own.
func (i Insn) Text(next Insn, helper func(int32) string) string {
	reg := func(r Reg, w bool) string {
		if w {
			return fmt.Sprintf("w%d", r)
		}
		return fmt.Sprintf("r%d", r)
	}
	mem := func(r Reg) string {
		return fmt.Sprintf("*(u%d *)(r%d %+d)", 8*i.Bytes(), r, i.Off)
	}
	switch c := i.Class(); c {
	case ClassALU, ClassALU64:
		w := c == ClassALU
		op := i.Op & 0xf0
		src := fmt.Sprint(i.Imm)
		if i.Op&SrcX != 0 {
			src = reg(i.Src, w)
		}
		switch {
		case op == AluNeg:
			return fmt.Sprintf("%s = -%s", reg(i.Dst, w), reg(i.Dst, w))
		case op == AluEnd:
			name := "le"
			if c == ClassALU64 {
				name = "bswap"
			} else if i.Op&SrcX != 0 {
				name = "be"
			}
			return fmt.Sprintf("r%d = %s%d r%d", i.Dst, name, i.Imm, i.Dst)
		case op == AluMov && i.Off != 0 && i.Op&SrcX != 0:
			return fmt.Sprintf("%s = (s%d)%s", reg(i.Dst, w), i.Off, src)
		}
		sign, known := aluSigns[op]
		if !known {
			break
		}
		if i.Off == 1 && (op == AluDiv || op == AluMod) {
			sign = "s" + sign
		}
		return fmt.Sprintf("%s %s %s", reg(i.Dst, w), sign, src)
	case ClassJMP, ClassJMP32:
		w := c == ClassJMP32
		op := i.Op & 0xf0
		switch op {
		case JmpA:
			if w {
				return fmt.Sprintf("gotol %+d", i.Imm)
			}
			return fmt.Sprintf("goto %+d", i.Off)
		case JmpExit:
			return "exit"
		case JmpCall:
			switch i.Src {
			case PseudoCall:
				return fmt.Sprintf("call pc%+d", i.Imm)
			case PseudoKfuncCall:
				return fmt.Sprintf("call kernel-function#%d", i.Imm)
			}
			name := "unknown"
			if helper != nil && helper(i.Imm) != "" {
				name = helper(i.Imm)
			}
			return fmt.Sprintf("call %s#%d", name, i.Imm)
		}
		src := fmt.Sprintf("%#x", i.Imm)
		if i.Imm < 0 {
			src = fmt.Sprint(i.Imm)
		}
		if i.Op&SrcX != 0 {
			src = reg(i.Src, w)
		}
		if sign, known := jmpSigns[op]; known {
			return fmt.Sprintf("if %s %s %s goto %+d", reg(i.Dst, w), sign, src, i.Off)
		}
	case ClassLD:
		if i.IsLdImm64() {
			v := uint64(uint32(i.Imm)) | uint64(uint32(next.Imm))<<32
			switch i.Src {
			case PseudoMapFD:
				return fmt.Sprintf("r%d = map[fd %d] ll", i.Dst, i.Imm)
			case PseudoMapValue:
				return fmt.Sprintf("r%d = map[fd %d][0]+%d ll", i.Dst, i.Imm, next.Imm)
			case PseudoFunc:
				return fmt.Sprintf("r%d = subprog[%+d] ll", i.Dst, i.Imm)
			}
			return fmt.Sprintf("r%d = %#x ll", i.Dst, v)
		}
	case ClassLDX:
		switch i.Op & 0xe0 {
		case ModeMem:
			return fmt.Sprintf("r%d = %s", i.Dst, mem(i.Src))
		case ModeMemSX:
			return fmt.Sprintf("r%d = %s", i.Dst, strings.Replace(mem(i.Src), "*(u", "*(s", 1))
		}
	case ClassST:
		if i.Op&0xe0 == ModeMem {
			return fmt.Sprintf("%s = %d", mem(i.Dst), i.Imm)
		}
	case ClassSTX:
		switch i.Op & 0xe0 {
		case ModeMem:
			return fmt.Sprintf("%s = r%d", mem(i.Dst), i.Src)
		case ModeAtomic:
			bits := 8 * i.Bytes()
			if sign := atomicSigns[i.Imm]; sign != "" {
				return fmt.Sprintf("lock %s %s r%d", mem(i.Dst), sign, i.Src)
			}
			at := fmt.Sprintf("((u%d *)(r%d %+d), r%d)", bits, i.Dst, i.Off, i.Src)
			wide := ""
			if bits == 64 {
				wide = "64"
			}
			switch {
			case i.Imm == AtomicXchg:
				return fmt.Sprintf("r%d = atomic%s_xchg%s", i.Src, wide, at)
			case i.Imm == AtomicCmpxchg:
				return fmt.Sprintf("r0 = atomic%s_cmpxchg((u%d *)(r%d %+d), r0, r%d)", wide, bits, i.Dst, i.Off, i.Src)
			case i.Imm&AtomicFetch != 0 && atomicNames[i.Imm&^AtomicFetch] != "":
				return fmt.Sprintf("r%d = atomic%s_fetch_%s%s", i.Src, wide, atomicNames[i.Imm&^AtomicFetch], at)
			}
		}
	}
	return fmt.Sprintf("(%02x) unknown: dst r%d src r%d off %d imm %d", i.Op, i.Dst, i.Src, i.Off, i.Imm)
}
