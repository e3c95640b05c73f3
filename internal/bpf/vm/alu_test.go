package vm

import (
	"math"
	"math/bits"
	"testing"

	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/sim"
)

// ld is a 64-bit constant in a register.
func ld(r bpf.Reg, v uint64) []bpf.Insn {
	return []bpf.Insn{{Op: bpf.OpLdImm64, Dst: r, Imm: int32(v)}, {Imm: int32(v >> 32)}}
}

var exit = bpf.Insn{Op: bpf.ClassJMP | bpf.JmpExit}

func code(parts ...any) (out []bpf.Insn) {
	for _, p := range parts {
		switch p := p.(type) {
		case bpf.Insn:
			out = append(out, p)
		case []bpf.Insn:
			out = append(out, p...)
		}
	}
	return out
}

func run(t *testing.T, insns []bpf.Insn) uint64 {
	t.Helper()
	m := sim.New(sim.Options{})
	v, err := Run(m, &Program{Insns: insns}, m.NewRawContext(make([]byte, 64)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var odd = []uint64{0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000,
	math.MaxInt32, 1 << 31, math.MaxUint32, 1 << 32, 1<<32 + 1, math.MaxInt64, 1 << 63, math.MaxUint64, math.MaxUint64 - 1,
	0x0123456789abcdef, 0xfedcba9876543210, 0xffffffff80000000, 0xffffffff7fffffff, 10, ^uint64(9)}

// TestALU compares each operation with Go's arithmetic.
func TestALU(t *testing.T) {
	div := func(a, b uint64) uint64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	mod := func(a, b uint64) uint64 {
		if b == 0 {
			return a
		}
		return a % b
	}
	type row struct {
		name string
		op   uint8
		off  int16
		f64  func(a, b uint64) uint64
		f32  func(a, b uint32) uint32
	}
	rows := []row{
		{"add", bpf.AluAdd, 0, func(a, b uint64) uint64 { return a + b }, func(a, b uint32) uint32 { return a + b }},
		{"sub", bpf.AluSub, 0, func(a, b uint64) uint64 { return a - b }, func(a, b uint32) uint32 { return a - b }},
		{"mul", bpf.AluMul, 0, func(a, b uint64) uint64 { return a * b }, func(a, b uint32) uint32 { return a * b }},
		{"or", bpf.AluOr, 0, func(a, b uint64) uint64 { return a | b }, func(a, b uint32) uint32 { return a | b }},
		{"and", bpf.AluAnd, 0, func(a, b uint64) uint64 { return a & b }, func(a, b uint32) uint32 { return a & b }},
		{"xor", bpf.AluXor, 0, func(a, b uint64) uint64 { return a ^ b }, func(a, b uint32) uint32 { return a ^ b }},
		{"lsh", bpf.AluLsh, 0, func(a, b uint64) uint64 { return a << (b & 63) }, func(a, b uint32) uint32 { return a << (b & 31) }},
		{"rsh", bpf.AluRsh, 0, func(a, b uint64) uint64 { return a >> (b & 63) }, func(a, b uint32) uint32 { return a >> (b & 31) }},
		{"arsh", bpf.AluArsh, 0, func(a, b uint64) uint64 { return uint64(int64(a) >> (b & 63)) }, func(a, b uint32) uint32 { return uint32(int32(a) >> (b & 31)) }},
		{"mov", bpf.AluMov, 0, func(_, b uint64) uint64 { return b }, func(_, b uint32) uint32 { return b }},
		{"movsx8", bpf.AluMov, 8, func(_, b uint64) uint64 { return uint64(int8(b)) }, func(_, b uint32) uint32 { return uint32(int8(b)) }},
		{"movsx16", bpf.AluMov, 16, func(_, b uint64) uint64 { return uint64(int16(b)) }, func(_, b uint32) uint32 { return uint32(int16(b)) }},
		{"movsx32", bpf.AluMov, 32, func(_, b uint64) uint64 { return uint64(int32(b)) }, nil},
		{"div", bpf.AluDiv, 0, div, func(a, b uint32) uint32 { return uint32(div(uint64(a), uint64(b))) }},
		{"mod", bpf.AluMod, 0, mod, func(a, b uint32) uint32 { return uint32(mod(uint64(a), uint64(b))) }},
		{"sdiv", bpf.AluDiv, 1, func(a, b uint64) uint64 {
			if b == 0 {
				return 0
			}
			return uint64(int64(a) / int64(b)) // Go: the most negative by -1 is itself
		}, func(a, b uint32) uint32 {
			if b == 0 {
				return 0
			}
			return uint32(int32(a) / int32(b))
		}},
		{"smod", bpf.AluMod, 1, func(a, b uint64) uint64 {
			if b == 0 {
				return a
			}
			return uint64(int64(a) % int64(b))
		}, func(a, b uint32) uint32 {
			if b == 0 {
				return a
			}
			return uint32(int32(a) % int32(b))
		}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			for _, a := range odd {
				for _, b := range odd {
					reg := func(class uint8) []bpf.Insn {
						return code(ld(0, a), ld(1, b), bpf.Insn{Op: class | r.op | bpf.SrcX, Dst: 0, Src: 1, Off: r.off}, exit)
					}
					imm := func(class uint8) []bpf.Insn {
						return code(ld(0, a), bpf.Insn{Op: class | r.op, Dst: 0, Imm: int32(b), Off: r.off}, exit)
					}
					check := func(what string, insns []bpf.Insn, want uint64) {
						if got := run(t, insns); got != want {
							t.Errorf("%s %#x, %#x = %#x, want %#x", what, a, b, got, want)
						}
					}
					check("64", reg(bpf.ClassALU64), r.f64(a, b))
					sx := uint64(int64(int32(b)))
					if r.op != bpf.AluMov || r.off == 0 {
						check("64 imm", imm(bpf.ClassALU64), r.f64(a, sx))
					}
					if r.f32 == nil {
						continue
					}
					check("32", reg(bpf.ClassALU), uint64(r.f32(uint32(a), uint32(b))))
					if r.op != bpf.AluMov || r.off == 0 {
						check("32 imm", imm(bpf.ClassALU), uint64(r.f32(uint32(a), uint32(b))))
					}
				}
			}
		})
	}
}

func TestUnary(t *testing.T) {
	type row struct {
		name string
		in   bpf.Insn
		f    func(uint64) uint64
	}
	rows := []row{
		{"neg", bpf.Insn{Op: bpf.ClassALU64 | bpf.AluNeg}, func(a uint64) uint64 { return -a }},
		{"neg32", bpf.Insn{Op: bpf.ClassALU | bpf.AluNeg}, func(a uint64) uint64 { return uint64(-uint32(a)) }},
		{"be16", bpf.Insn{Op: bpf.ClassALU | bpf.AluEnd | bpf.SrcX, Imm: 16}, func(a uint64) uint64 { return uint64(bits.ReverseBytes16(uint16(a))) }},
		{"be32", bpf.Insn{Op: bpf.ClassALU | bpf.AluEnd | bpf.SrcX, Imm: 32}, func(a uint64) uint64 { return uint64(bits.ReverseBytes32(uint32(a))) }},
		{"be64", bpf.Insn{Op: bpf.ClassALU | bpf.AluEnd | bpf.SrcX, Imm: 64}, bits.ReverseBytes64},
		{"le16", bpf.Insn{Op: bpf.ClassALU | bpf.AluEnd, Imm: 16}, func(a uint64) uint64 { return a & 0xffff }},
		{"le32", bpf.Insn{Op: bpf.ClassALU | bpf.AluEnd, Imm: 32}, func(a uint64) uint64 { return a & math.MaxUint32 }},
		{"le64", bpf.Insn{Op: bpf.ClassALU | bpf.AluEnd, Imm: 64}, func(a uint64) uint64 { return a }},
		{"bswap16", bpf.Insn{Op: bpf.ClassALU64 | bpf.AluEnd, Imm: 16}, func(a uint64) uint64 { return uint64(bits.ReverseBytes16(uint16(a))) }},
		{"bswap32", bpf.Insn{Op: bpf.ClassALU64 | bpf.AluEnd, Imm: 32}, func(a uint64) uint64 { return uint64(bits.ReverseBytes32(uint32(a))) }},
		{"bswap64", bpf.Insn{Op: bpf.ClassALU64 | bpf.AluEnd, Imm: 64}, bits.ReverseBytes64},
	}
	for _, r := range rows {
		for _, a := range odd {
			if got, want := run(t, code(ld(0, a), r.in, exit)), r.f(a); got != want {
				t.Errorf("%s %#x = %#x, want %#x", r.name, a, got, want)
			}
		}
	}
}

func TestJumps(t *testing.T) {
	rows := map[uint8]func(a, b uint64, sa, sb int64) bool{
		bpf.JmpEq:  func(a, b uint64, _, _ int64) bool { return a == b },
		bpf.JmpNe:  func(a, b uint64, _, _ int64) bool { return a != b },
		bpf.JmpGt:  func(a, b uint64, _, _ int64) bool { return a > b },
		bpf.JmpGe:  func(a, b uint64, _, _ int64) bool { return a >= b },
		bpf.JmpLt:  func(a, b uint64, _, _ int64) bool { return a < b },
		bpf.JmpLe:  func(a, b uint64, _, _ int64) bool { return a <= b },
		bpf.JmpSgt: func(_, _ uint64, a, b int64) bool { return a > b },
		bpf.JmpSge: func(_, _ uint64, a, b int64) bool { return a >= b },
		bpf.JmpSlt: func(_, _ uint64, a, b int64) bool { return a < b },
		bpf.JmpSle: func(_, _ uint64, a, b int64) bool { return a <= b },
		bpf.JmpSet: func(a, b uint64, _, _ int64) bool { return a&b != 0 },
	}
	one := bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov, Imm: 1}
	zero := bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov}
	for op, f := range rows {
		for _, a := range odd {
			for _, b := range odd {
				check := func(in bpf.Insn, want bool) {
					got := run(t, code(ld(1, a), ld(2, b), one, in, zero, exit))
					if (got == 1) != want {
						t.Errorf("%s with %#x, %#x: %v", in.Text(bpf.Insn{}, nil), a, b, got == 1)
					}
				}
				in := bpf.Insn{Op: bpf.ClassJMP | op | bpf.SrcX, Dst: 1, Src: 2, Off: 1}
				check(in, f(a, b, int64(a), int64(b)))
				in.Op = bpf.ClassJMP32 | op | bpf.SrcX
				check(in, f(uint64(uint32(a)), uint64(uint32(b)), int64(int32(a)), int64(int32(b))))
				in = bpf.Insn{Op: bpf.ClassJMP | op, Dst: 1, Imm: int32(b), Off: 1}
				check(in, f(a, uint64(int64(int32(b))), int64(a), int64(int32(b))))
				in.Op = bpf.ClassJMP32 | op
				check(in, f(uint64(uint32(a)), uint64(uint32(b)), int64(int32(a)), int64(int32(b))))
			}
		}
	}
}

func TestAtomics(t *testing.T) {
	const start, src = 0x1111222233334444, 0xffffffff00000001
	st := func(v uint64) []bpf.Insn {
		return code(ld(2, v), bpf.Insn{Op: bpf.ClassSTX | bpf.ModeMem | bpf.SizeDW, Dst: 10, Src: 2, Off: -8})
	}
	load := bpf.Insn{Op: bpf.ClassLDX | bpf.ModeMem | bpf.SizeDW, Dst: 0, Src: 10, Off: -8}
	mov := bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: 0, Src: 3}
	for _, c := range []struct {
		op        int32
		mem, old  uint64 // after a 64-bit operation: memory, source register
		mem32     uint32
		compareTo uint64
	}{
		{bpf.AtomicAdd, add(start, src), src, 0x33334445, 0},
		{bpf.AtomicOr, start | src, src, 0x33334445, 0},
		{bpf.AtomicAnd, start & src, src, 0, 0},
		{bpf.AtomicXor, start ^ src, src, 0x33334445, 0},
		{bpf.AtomicAdd | bpf.AtomicFetch, add(start, src), start, 0x33334445, 0},
		{bpf.AtomicXchg, src, start, 1, 0},
		{bpf.AtomicCmpxchg, src, src, 1, start},
		{bpf.AtomicCmpxchg, start, src, 0x33334444, 5},
	} {
		for _, size := range []uint8{bpf.SizeDW, bpf.SizeW} {
			in := bpf.Insn{Op: bpf.ClassSTX | bpf.ModeAtomic | size, Dst: 10, Src: 3, Off: -8, Imm: c.op}
			pre := code(st(start), ld(3, src), ld(0, c.compareTo), in)
			wantMem, wantReg := c.mem, c.old
			if size == bpf.SizeW {
				wantMem = start&^math.MaxUint32 | uint64(c.mem32)
				if c.old != src {
					wantReg = uint64(uint32(c.old))
				}
			}
			if got := run(t, code(pre, load, exit)); got != wantMem {
				t.Errorf("%s: memory %#x, want %#x", in.Text(bpf.Insn{}, nil), got, wantMem)
			}
			if got := run(t, code(pre, mov, exit)); got != wantReg {
				t.Errorf("%s: register %#x, want %#x", in.Text(bpf.Insn{}, nil), got, wantReg)
			}
			if c.op == bpf.AtomicCmpxchg {
				want := uint64(start)
				if size == bpf.SizeW {
					want = start & math.MaxUint32
				}
				if got := run(t, code(pre, exit)); got != want {
					t.Errorf("%s: R0 %#x, want %#x", in.Text(bpf.Insn{}, nil), got, want)
				}
			}
		}
	}
}

// add wraps, as constants would not.
func add(a, b uint64) uint64 { return a + b }

func TestLoadsAndStores(t *testing.T) {
	for n, want := range map[int][2]uint64{1: {0xf0, 0xfffffffffffffff0}, 2: {0xbcf0, 0xffffffffffffbcf0}, 4: {0x8abcdef0&^0xff00 | 0xbc00, 0xffffffff8abcbcf0}} {
		st := code(ld(1, 0x123456788abcbcf0), bpf.Insn{Op: bpf.ClassSTX | bpf.ModeMem | bpf.SizeDW, Dst: 10, Src: 1, Off: -16})
		for i, mode := range []uint8{bpf.ModeMem, bpf.ModeMemSX} {
			in := bpf.Insn{Op: bpf.ClassLDX | mode | bpf.SizeOf(n), Dst: 0, Src: 10, Off: -16}
			if got := run(t, code(st, in, exit)); got != want[i] {
				t.Errorf("%s = %#x, want %#x", in.Text(bpf.Insn{}, nil), got, want[i])
			}
		}
	}
	st := bpf.Insn{Op: bpf.ClassST | bpf.ModeMem | bpf.SizeDW, Dst: 10, Off: -8, Imm: -2}
	load := bpf.Insn{Op: bpf.ClassLDX | bpf.ModeMem | bpf.SizeDW, Dst: 0, Src: 10, Off: -8}
	if got := run(t, code(st, load, exit)); got != ^uint64(1) {
		t.Errorf("st -2: %#x", got)
	}
}
