// Package bpf is the instruction set of the kernel's BPF machine: how an
// instruction is made, stored in 8 bytes, and written in the kernel's notation.
package bpf

import (
	"encoding/binary"
	"slices"

	"github.com/whistler-lang/whistler/internal/source"
)

// A Reg is one of the machine's registers, R0 to R10.
type Reg uint8

// The registers: R0 holds results, R1-R5 arguments (clobbered by calls),
// R6-R9 survive calls, R10 is the frame pointer.
const (
	R0 Reg = iota
	R1
	R2
	R3
	R4
	R5
	R6
	R7
	R8
	R9
	R10
)

// An Insn is one 8-byte slot, as struct bpf_insn of <linux/bpf.h>. An
// ld_imm64 is two: the second has Op 0 and the high half in Imm.
type Insn struct {
	Op       uint8
	Dst, Src Reg
	Off      int16
	Imm      int32
}

// Instruction classes, the low three bits of Op.
const (
	ClassLD    = 0x00
	ClassLDX   = 0x01
	ClassST    = 0x02
	ClassSTX   = 0x03
	ClassALU   = 0x04 // 32 bits
	ClassJMP   = 0x05
	ClassJMP32 = 0x06
	ClassALU64 = 0x07
)

// Source operand of ALU and jump instructions: immediate or register.
const (
	SrcK = 0x00
	SrcX = 0x08
)

// ALU operations, the high four bits of Op.
const (
	AluAdd  = 0x00
	AluSub  = 0x10
	AluMul  = 0x20
	AluDiv  = 0x30
	AluOr   = 0x40
	AluAnd  = 0x50
	AluLsh  = 0x60
	AluRsh  = 0x70
	AluNeg  = 0x80
	AluMod  = 0x90
	AluXor  = 0xa0
	AluMov  = 0xb0
	AluArsh = 0xc0
	AluEnd  = 0xd0 // byte order: SrcK to little endian, SrcX to big endian; ALU64: unconditional swap (v4)
)

// Jump operations, the high four bits of Op.
const (
	JmpA    = 0x00
	JmpEq   = 0x10
	JmpGt   = 0x20
	JmpGe   = 0x30
	JmpSet  = 0x40
	JmpNe   = 0x50
	JmpSgt  = 0x60
	JmpSge  = 0x70
	JmpCall = 0x80
	JmpExit = 0x90
	JmpLt   = 0xa0
	JmpLe   = 0xb0
	JmpSlt  = 0xc0
	JmpSle  = 0xd0
)

// Sizes and modes of memory instructions.
const (
	SizeW  = 0x00 // 4 bytes
	SizeH  = 0x08
	SizeB  = 0x10
	SizeDW = 0x18

	ModeImm    = 0x00
	ModeMem    = 0x60
	ModeMemSX  = 0x80 // sign-extending load (v4)
	ModeAtomic = 0xc0
)

// Atomic operations: Imm of an ModeAtomic instruction.
const (
	AtomicAdd     = AluAdd
	AtomicOr      = AluOr
	AtomicAnd     = AluAnd
	AtomicXor     = AluXor
	AtomicFetch   = 0x01
	AtomicXchg    = 0xe0 | AtomicFetch
	AtomicCmpxchg = 0xf0 | AtomicFetch
)

// Pseudo sources of ld_imm64 and call.
const (
	PseudoMapFD    = 1
	PseudoMapValue = 2
	PseudoBTFID    = 3
	PseudoFunc     = 4

	PseudoCall      = 1 // call of a subprogram
	PseudoKfuncCall = 2
)

// OpLdImm64 is the Op of a two-slot 64-bit constant load.
const OpLdImm64 = ClassLD | ModeImm | SizeDW

// SizeOf gives the size bits for n bytes (1, 2, 4 or 8).
func SizeOf(n int) uint8 {
	switch n {
	case 1:
		return SizeB
	case 2:
		return SizeH
	case 4:
		return SizeW
	}
	return SizeDW
}

// Bytes is how many bytes the memory instruction i moves.
func (i Insn) Bytes() int {
	switch i.Op & 0x18 {
	case SizeB:
		return 1
	case SizeH:
		return 2
	case SizeW:
		return 4
	}
	return 8
}

// Class is the instruction class of i.
func (i Insn) Class() uint8 { return i.Op & 7 }

// IsLdImm64 reports whether i is the first slot of two.
func (i Insn) IsLdImm64() bool { return i.Op == OpLdImm64 }

// Encode writes instructions as the kernel and ELF files hold them.
func Encode(insns []Insn, order binary.ByteOrder) []byte {
	return AppendTo(make([]byte, 0, 8*len(insns)), insns, order)
}

// AppendTo adds to code what Encode gives.
func AppendTo(code []byte, insns []Insn, order binary.ByteOrder) []byte {
	n := len(code)
	code = slices.Grow(code, 8*len(insns))[:n+8*len(insns)]
	out := code[n:]
	for n, i := range insns {
		b := out[8*n:]
		b[0] = i.Op
		b[1] = uint8(i.Dst) | uint8(i.Src)<<4
		if order == binary.ByteOrder(binary.BigEndian) {
			b[1] = uint8(i.Src) | uint8(i.Dst)<<4
		}
		order.PutUint16(b[2:], uint16(i.Off))
		order.PutUint32(b[4:], uint32(i.Imm))
	}
	return code
}

// Decode reads what Encode wrote; an odd rest of less than 8 bytes is left.
func Decode(code []byte, order binary.ByteOrder) []Insn {
	out := make([]Insn, len(code)/8)
	for n := range out {
		b := code[8*n:]
		dst, src := Reg(b[1]&15), Reg(b[1]>>4)
		if order == binary.ByteOrder(binary.BigEndian) {
			dst, src = src, dst
		}
		out[n] = Insn{Op: b[0], Dst: dst, Src: src, Off: int16(order.Uint16(b[2:])), Imm: int32(order.Uint32(b[4:]))}
	}
	return out
}

// A Program is one function of an object: its code and what loaders and
// debuggers need to know of it.
type Program struct {
	Name    string // as in objects: count_packets
	Lisp    string // as in the source: count-packets
	Pos     source.Pos
	Section string
	Type    string // keyword of the program type: "xdp"; "" for a subprogram
	Insns   []Insn
	Lines   []Line
	Refs    []Ref
	Stack   int // bytes of stack used
	Walked  int // about how many instructions the verifier walks; 0 if that is not known
}

// A From says that the instruction at Slot was made for a value of the
// compiler's, by its number.
type From struct{ Slot, Value int }

// A Line says that the code from Slot on comes from Pos.
type Line struct {
	Slot int
	Pos  source.Pos
}

// RefKind is what a Ref refers to.
type RefKind uint8

// Kinds of references that the loader resolves.
const (
	RefMap     RefKind = iota // ld_imm64 of a map
	RefGlobal                 // ld_imm64 of an address in .data, .rodata or .bss
	RefSubprog                // call of a subprogram
	RefFunc                   // ld_imm64 of a subprogram's address
	RefKfunc                  // call of a kernel function
	RefCore                   // offset or immediate that the loader takes from the kernel's types
	RefKsym                   // ld_imm64 of a kernel variable
)

// A Ref is a place in the code that names something outside of it.
type Ref struct {
	Slot int
	Kind RefKind
	Name string // object name of the map, subprogram, global, kfunc or variable; key of the relocation
}
