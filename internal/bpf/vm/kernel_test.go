package vm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"math/rand"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/sim"
)

// needKernel skips a test that may not load programs here. Continuous
// integration has the right, and must not pass without these tests.
func needKernel(t *testing.T) {
	t.Helper()
	err := rlimit.RemoveMemlock()
	if err == nil {
		var p *ebpf.Program
		p, err = ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
		if err == nil {
			p.Close()
			return
		}
	}
	if os.Getenv("CI") == "true" && os.Getuid() == 0 {
		t.Fatalf("cannot load programs: %v", err)
	}
	t.Skipf("cannot load programs: %v", err)
}

// inKernel runs a program on a packet and gives its result and the packet. Its
// references are to the map given.
func inKernel(t *testing.T, typ ebpf.ProgramType, insns []bpf.Insn, refs []bpf.Ref, mp *ebpf.Map, packet []byte) (uint32, []byte) {
	t.Helper()
	p := loaded(t, typ, insns, refs, mp)
	defer p.Close()
	ret, out, err := p.Test(packet)
	if err != nil {
		t.Fatal(err)
	}
	return ret, out
}

// loaded loads a program whose references are to the map given.
func loaded(t *testing.T, typ ebpf.ProgramType, insns []bpf.Insn, refs []bpf.Ref, mp *ebpf.Map) *ebpf.Program {
	t.Helper()
	insns = append([]bpf.Insn(nil), insns...)
	for _, r := range refs {
		insns[r.Slot].Src, insns[r.Slot].Imm = bpf.PseudoMapFD, int32(mp.FD())
	}
	decoded, err := asm.AppendInstructions(nil, bytes.NewReader(bpf.Encode(insns, binary.LittleEndian)), binary.LittleEndian, "linux")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: typ, License: "GPL", Instructions: decoded})
	if err != nil {
		var v *ebpf.VerifierError
		if errors.As(err, &v) {
			t.Fatalf("%+v", v)
		}
		t.Fatal(err)
	}
	return p
}

// programs is how many TestKernelRandom compares, from the first seed on. The
// long run: go test ./internal/bpf/vm -run TestKernelRandom -programs 1000000
// -timeout 0
var (
	programs = flag.Int("programs", 1000, "random programs that TestKernelRandom compares")
	first    = flag.Int("first", 0, "the seed of the first")
)

// TestKernelRandom runs random programs here and in the kernel: arithmetic on
// all registers, forward jumps, stack memory, atomics and a function of their
// own. At the end all registers are mixed into the result and into the packet.
// Results, packets and the map's value are compared.
func TestKernelRandom(t *testing.T) {
	needKernel(t)
	xdp := abi.ProgTypeByKeyword("xdp")
	scratch, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 64, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	for seed := *first; seed < *first+*programs; seed++ {
		g := &generator{Rand: rand.New(rand.NewSource(int64(seed)))}
		insns := g.program()
		refs := []bpf.Ref{{Slot: g.mapSlot, Kind: bpf.RefMap, Name: "scratch"}}
		prog := loaded(t, ebpf.XDP, insns, refs, scratch)
		for range 3 {
			packet := make([]byte, packetLen)
			g.Read(packet)
			if g.Intn(2) == 0 { // small numbers and signs
				for i := 0; i < packetLen; i += 8 {
					binary.LittleEndian.PutUint64(packet[i:], g.number())
				}
			}
			m := sim.New(sim.Options{})
			ctx, err := m.NewPacketContext(xdp, packet, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.AddMap(sim.MapDef{Name: "scratch", Type: "array", KeySize: 4, ValueSize: 64, MaxEntries: 1}); err != nil {
				t.Fatal(err)
			}
			if err := scratch.Put(uint32(0), make([]byte, 64)); err != nil {
				t.Fatal(err)
			}
			got, err := Run(m, &Program{Insns: insns, Refs: refs}, ctx)
			if err != nil {
				t.Fatalf("program %d: %v\n%s", seed, err, listing(insns))
			}
			want, out, err := prog.Test(packet)
			if err != nil {
				t.Fatal(err)
			}
			if uint32(got) != want || !bytes.Equal(out, m.Packet(ctx)) {
				t.Fatalf("program %d: %#x and packet\n%x, the kernel has %#x and\n%x\n%s", seed, got, m.Packet(ctx), want, out, listing(insns))
			}
			value, _ := m.Map("scratch").Lookup(make([]byte, 4))
			var inMap []byte
			if err := scratch.Lookup(uint32(0), &inMap); err != nil || !bytes.Equal(value, inMap) {
				t.Fatalf("program %d: the map has\n%x, and in the kernel\n%x %v\n%s", seed, value, inMap, err, listing(insns))
			}
		}
		prog.Close()
	}
	t.Logf("%d programs", *programs)
}

func listing(insns []bpf.Insn) string {
	var s bytes.Buffer
	for i, in := range insns {
		next := bpf.Insn{}
		if i+1 < len(insns) {
			next = insns[i+1]
		}
		s.WriteString(in.Text(next, nil) + "\n")
	}
	return s.String()
}

const packetLen = 80

// A generator makes programs that the verifier accepts. R0 to R5, R7 and R8
// hold numbers, R6 the packet, R9 eight words of a map's value.
type generator struct {
	*rand.Rand
	insns   []bpf.Insn
	mapSlot int
	callee  bool // generating a function, which has no R6 and R9
}

func (g *generator) put(in ...bpf.Insn) { g.insns = append(g.insns, in...) }

var numbers = []bpf.Reg{0, 1, 2, 3, 4, 5, 7, 8}

func (g *generator) reg() bpf.Reg { return numbers[g.Intn(len(numbers))] }

func (g *generator) number() uint64 { return odd[g.Intn(len(odd))] }

// slot is the offset of one of eight words of the stack.
func (g *generator) slot() int16 { return int16(-8 * (1 + g.Intn(8))) }

func (g *generator) program() []bpf.Insn {
	g.insns, g.callee = nil, false
	// if data + packetLen > data_end goto out
	g.put(bpf.Insn{Op: bpf.ClassLDX | bpf.ModeMem | bpf.SizeW, Dst: 6, Src: 1},
		bpf.Insn{Op: bpf.ClassLDX | bpf.ModeMem | bpf.SizeW, Dst: 3, Src: 1, Off: 4},
		bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: 2, Src: 6},
		bpf.Insn{Op: bpf.ClassALU64 | bpf.AluAdd, Dst: 2, Imm: packetLen},
		bpf.Insn{Op: bpf.ClassJMP | bpf.JmpLe | bpf.SrcX, Dst: 2, Src: 3, Off: 2},
		bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov, Dst: 0, Imm: 1}, exit)
	// R9 = the value of key 0, or goto the first exit
	g.put(bpf.Insn{Op: bpf.ClassST | bpf.ModeMem | bpf.SizeW, Dst: 10, Off: -4},
		bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: 2, Src: 10}, bpf.Insn{Op: bpf.ClassALU64 | bpf.AluAdd, Dst: 2, Imm: -4})
	g.mapSlot = len(g.insns)
	g.put(ld(1, 0)...)
	g.put(bpf.Insn{Op: bpf.ClassJMP | bpf.JmpCall, Imm: abi.HelperByName("map-lookup-elem").ID},
		bpf.Insn{Op: bpf.ClassJMP | bpf.JmpNe, Dst: 0, Off: 1}, exit,
		bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: 9, Src: 0})
	for i, r := range numbers {
		if g.Intn(4) == 0 {
			g.put(ld(r, g.number())...)
		} else {
			g.put(bpf.Insn{Op: bpf.ClassLDX | bpf.ModeMem | bpf.SizeDW, Dst: r, Src: 6, Off: int16(8 * i)})
		}
	}
	for i, r := range numbers {
		g.put(bpf.Insn{Op: bpf.ClassSTX | bpf.ModeMem | bpf.SizeDW, Dst: 10, Src: r, Off: int16(-8 * (i + 1))})
	}
	var calls []int
	for range 10 + g.Intn(50) {
		if g.Intn(25) == 0 {
			calls = append(calls, len(g.insns))
			g.put(bpf.Insn{Op: bpf.ClassJMP | bpf.JmpCall, Src: bpf.PseudoCall})
			for r := bpf.R1; r <= 5; r++ {
				g.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: r, Src: 0})
				g.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluXor, Dst: r, Imm: g.Int31()})
			}
			continue
		}
		g.step(true)
	}
	// Everything counts: the registers go to the packet and, mixed, to R0.
	for i, r := range numbers {
		g.put(bpf.Insn{Op: bpf.ClassSTX | bpf.ModeMem | bpf.SizeDW, Dst: 6, Src: r, Off: int16(8 * i)})
		if r != 0 {
			g.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMul, Dst: 0, Imm: 31}, bpf.Insn{Op: bpf.ClassALU64 | bpf.AluXor | bpf.SrcX, Dst: 0, Src: r})
		}
	}
	for i := range 8 {
		for _, in := range []bpf.Insn{{Src: 10, Off: int16(-8 * (i + 1))}, {Src: 9, Off: int16(8 * i)}} {
			in.Op, in.Dst = bpf.ClassLDX|bpf.ModeMem|bpf.SizeDW, 1
			g.put(in, bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMul, Dst: 0, Imm: 31}, bpf.Insn{Op: bpf.ClassALU64 | bpf.AluXor | bpf.SrcX, Dst: 0, Src: 1})
		}
	}
	g.put(exit)
	if g.callee = true; len(calls) > 0 {
		for _, c := range calls {
			g.insns[c].Imm = int32(len(g.insns) - c - 1)
		}
		g.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov, Dst: 0, Imm: g.Int31()})
		for i, r := range []bpf.Reg{6, 7, 8, 9, 1, 2, 3, 4} { // its own callee-saved registers and stack
			if r >= 6 {
				g.put(bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov, Dst: r, Imm: g.Int31()})
			}
			g.put(bpf.Insn{Op: bpf.ClassSTX | bpf.ModeMem | bpf.SizeDW, Dst: 10, Src: r, Off: int16(-8 * (i + 1))})
		}
		for range 10 {
			g.step(false)
		}
		g.put(exit)
	}
	return g.insns
}

var jumpCodes = []uint8{bpf.JmpEq, bpf.JmpGt, bpf.JmpGe, bpf.JmpSet, bpf.JmpNe, bpf.JmpSgt, bpf.JmpSge, bpf.JmpLt, bpf.JmpLe, bpf.JmpSlt, bpf.JmpSle}

var aluCodes = []uint8{bpf.AluAdd, bpf.AluSub, bpf.AluMul, bpf.AluDiv, bpf.AluOr, bpf.AluAnd, bpf.AluLsh, bpf.AluRsh, bpf.AluMod, bpf.AluXor, bpf.AluMov, bpf.AluArsh}

// step adds one random operation, or a jump over a few.
func (g *generator) step(jumps bool) {
	alu := []uint8{bpf.ClassALU, bpf.ClassALU64}[g.Intn(2)]
	width := map[uint8]int32{bpf.ClassALU: 32, bpf.ClassALU64: 64}[alu]
	r, s := g.reg(), g.reg()
	switch n := g.Intn(20); {
	case n == 0:
		g.put(bpf.Insn{Op: alu | bpf.AluNeg, Dst: r})
	case n == 1:
		src := []uint8{bpf.SrcK, bpf.SrcX}[g.Intn(2)]
		if alu == bpf.ClassALU64 {
			src = bpf.SrcK
		}
		g.put(bpf.Insn{Op: alu | bpf.AluEnd | src, Dst: r, Imm: []int32{16, 32, 64}[g.Intn(3)]})
	case n == 2:
		off := []int16{8, 16, 32}[g.Intn(3)]
		if off == 32 {
			alu = bpf.ClassALU64
		}
		g.put(bpf.Insn{Op: alu | bpf.AluMov | bpf.SrcX, Dst: r, Src: s, Off: off})
	case n == 3:
		g.put(bpf.Insn{Op: bpf.ClassSTX | bpf.ModeMem | bpf.SizeOf(1<<g.Intn(4)), Dst: 10, Src: r, Off: g.slot()})
	case n == 4:
		g.put(bpf.Insn{Op: bpf.ClassST | bpf.ModeMem | bpf.SizeOf(1<<g.Intn(4)), Dst: 10, Imm: int32(g.number()), Off: g.slot()})
	case n == 5:
		mode := []uint8{bpf.ModeMem, bpf.ModeMemSX}[g.Intn(2)]
		g.put(bpf.Insn{Op: bpf.ClassLDX | mode | bpf.SizeOf(1<<g.Intn(3)), Dst: r, Src: 10, Off: g.slot()})
	case n == 6:
		// On the stack only those that give no old value: Linux 6.18 gets the
		// others wrong. It knows constants in stack slots, takes a fetched one
		// for known, and forgets in backtracking that it came from the slot; then
		// it removes a branch that the program does take.
		in := bpf.Insn{Op: bpf.ClassSTX | bpf.ModeAtomic | bpf.SizeOf(4<<g.Intn(2)), Dst: 10, Src: r, Off: g.slot(),
			Imm: []int32{bpf.AtomicAdd, bpf.AtomicOr, bpf.AtomicAnd, bpf.AtomicXor}[g.Intn(4)]}
		if !g.callee {
			in.Dst, in.Off = 9, int16(8*g.Intn(8))
			in.Imm |= int32(g.Intn(2))
			switch g.Intn(5) {
			case 0:
				in.Imm = bpf.AtomicXchg
			case 1:
				in.Imm = bpf.AtomicCmpxchg
			}
		}
		g.put(in)
		if in.Imm == bpf.AtomicCmpxchg { // Linux 6.18 on x86 may leave the high half of R0 after 32 bits
			g.put(bpf.Insn{Op: bpf.ClassALU | bpf.AluMov | bpf.SrcX, Dst: 0, Src: 0})
		}
	case n < 10 && jumps:
		class := []uint8{bpf.ClassJMP, bpf.ClassJMP32}[g.Intn(2)]
		in := bpf.Insn{Op: class | jumpCodes[g.Intn(len(jumpCodes))], Dst: r, Imm: int32(g.number())}
		if g.Intn(2) == 0 {
			in.Op |= bpf.SrcX
			in.Src, in.Imm = s, 0
		}
		at := len(g.insns)
		g.put(in)
		for range 1 + g.Intn(4) {
			g.step(false)
		}
		g.insns[at].Off = int16(len(g.insns) - at - 1)
		if g.Intn(4) == 0 { // both kinds of unconditional jumps, to the next instruction
			g.put([]bpf.Insn{{Op: bpf.ClassJMP | bpf.JmpA}, {Op: bpf.ClassJMP32 | bpf.JmpA}}[g.Intn(2)])
		}
	default:
		op := aluCodes[g.Intn(len(aluCodes))]
		in := bpf.Insn{Op: alu | op, Dst: r, Imm: int32(g.number())}
		if g.Intn(2) == 0 {
			in.Op |= bpf.SrcX
			in.Src, in.Imm = s, 0
		}
		if op == bpf.AluDiv || op == bpf.AluMod {
			in.Off = int16(g.Intn(2))
		}
		if in.Op&bpf.SrcX == 0 {
			switch op { // what the verifier refuses
			case bpf.AluDiv, bpf.AluMod:
				if in.Imm == 0 {
					in.Imm = -1
				}
			case bpf.AluLsh, bpf.AluRsh, bpf.AluArsh:
				in.Imm &= width - 1
			}
		}
		g.put(in)
	}
}
