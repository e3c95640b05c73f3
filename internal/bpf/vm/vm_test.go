package vm

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/sim"
)

func mov(d bpf.Reg, n int32) bpf.Insn {
	return bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov, Dst: d, Imm: n}
}

func movR(d, s bpf.Reg) bpf.Insn {
	return bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMov | bpf.SrcX, Dst: d, Src: s}
}

func addK(d bpf.Reg, n int32) bpf.Insn {
	return bpf.Insn{Op: bpf.ClassALU64 | bpf.AluAdd, Dst: d, Imm: n}
}

func ldx(n int, d, s bpf.Reg, off int16) bpf.Insn {
	return bpf.Insn{Op: bpf.ClassLDX | bpf.ModeMem | bpf.SizeOf(n), Dst: d, Src: s, Off: off}
}

func stx(n int, d, s bpf.Reg, off int16) bpf.Insn {
	return bpf.Insn{Op: bpf.ClassSTX | bpf.ModeMem | bpf.SizeOf(n), Dst: d, Src: s, Off: off}
}

func call(name string) bpf.Insn {
	return bpf.Insn{Op: bpf.ClassJMP | bpf.JmpCall, Imm: abi.HelperByName(name).ID}
}

// program puts the references "NAME" where a map's address is wanted.
func program(name string, parts ...any) *Program {
	p := &Program{Name: name}
	for _, x := range parts {
		switch x := x.(type) {
		case bpf.Ref:
			x.Slot = len(p.Insns)
			p.Refs = append(p.Refs, x)
			p.Insns = append(p.Insns, bpf.Insn{Op: bpf.OpLdImm64, Dst: 1, Src: bpf.PseudoMapFD}, bpf.Insn{})
		default:
			p.Insns = append(p.Insns, code(x)...)
		}
	}
	return p
}

func mapRef(name string) bpf.Ref { return bpf.Ref{Kind: bpf.RefMap, Name: name} }

// counter counts packets by their first byte, in a hash.
func counter() *Program {
	return program("count",
		ldx(4, 6, 1, 0), ldx(4, 7, 1, 4), movR(2, 6), addK(2, 14),
		mov(0, 1), bpf.Insn{Op: bpf.ClassJMP | bpf.JmpLe | bpf.SrcX, Dst: 2, Src: 7, Off: 1}, exit,
		ldx(1, 8, 6, 0), stx(4, 10, 8, -4),
		mapRef("counts"), movR(2, 10), addK(2, -4), call("map-lookup-elem"),
		bpf.Insn{Op: bpf.ClassJMP | bpf.JmpEq, Dst: 0, Off: 4},
		mov(1, 1), bpf.Insn{Op: bpf.ClassSTX | bpf.ModeAtomic | bpf.SizeDW, Dst: 0, Src: 1, Imm: bpf.AtomicAdd},
		mov(0, 2), exit,
		mov(1, 1), stx(8, 10, 1, -16),
		mapRef("counts"), movR(2, 10), addK(2, -4), movR(3, 10), addK(3, -16), mov(4, 1), call("map-update-elem"),
		mov(0, 2), exit)
}

func TestCounter(t *testing.T) {
	m := sim.New(sim.Options{})
	counts, err := m.AddMap(sim.MapDef{Name: "counts", Type: "hash", KeySize: 4, ValueSize: 8, MaxEntries: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i, first := range []byte{1, 2, 1, 1} {
		packet := append([]byte{first}, make([]byte, 20)...)
		ctx, err := m.NewPacketContext(abi.ProgTypeByKeyword("xdp"), packet, nil)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Run(m, counter(), ctx)
		if err != nil || v != 2 {
			t.Fatalf("packet %d: %d, %v", i, v, err)
		}
		m.FreeContext(ctx)
	}
	for k, want := range map[byte]byte{1: 3, 2: 1} {
		if v, ok := counts.Lookup([]byte{k, 0, 0, 0}); !ok || v[0] != want {
			t.Errorf("count of %d: %v %v, want %d", k, v, ok, want)
		}
	}
	ctx, _ := m.NewPacketContext(abi.ProgTypeByKeyword("xdp"), make([]byte, 3), nil)
	if v, err := Run(m, counter(), ctx); v != 1 || err != nil {
		t.Errorf("short packet: %d, %v", v, err)
	}
}

func TestSubprogram(t *testing.T) {
	// The callee has a stack of its own and may use R6.
	sub := program("sub", mov(6, 7), stx(8, 10, 1, -8), ldx(8, 0, 10, -8), addK(0, 1), exit)
	at := code(mov(6, 100), mov(1, 41))
	p := program("main", at, bpf.Insn{Op: bpf.ClassJMP | bpf.JmpCall, Src: bpf.PseudoCall, Imm: -1},
		bpf.Insn{Op: bpf.ClassALU64 | bpf.AluAdd | bpf.SrcX, Dst: 0, Src: 6}, exit)
	p.Refs = []bpf.Ref{{Slot: 2, Kind: bpf.RefSubprog, Name: "sub"}}
	p.Subs = map[string]*Program{"sub": sub}
	m := sim.New(sim.Options{})
	if v, err := Run(m, p, 0); v != 142 || err != nil {
		t.Errorf("by name: %d, %v", v, err)
	}
	linked := &Program{Insns: code(p.Insns, sub.Insns)}
	linked.Insns[2].Imm = int32(len(p.Insns) - 3)
	if v, err := Run(m, linked, 0); v != 142 || err != nil {
		t.Errorf("by distance: %d, %v", v, err)
	}
}

func TestCallback(t *testing.T) {
	// sum += i for i < 10, with sum on the caller's stack
	cb := program("cb", ldx(8, 3, 2, 0), bpf.Insn{Op: bpf.ClassALU64 | bpf.AluAdd | bpf.SrcX, Dst: 3, Src: 1}, stx(8, 2, 3, 0), mov(0, 0), exit)
	p := program("main", mov(1, 0), stx(8, 10, 1, -8), mov(1, 10), bpf.Insn{Op: bpf.OpLdImm64, Dst: 2, Src: bpf.PseudoFunc}, bpf.Insn{},
		movR(3, 10), addK(3, -8), mov(4, 0), call("loop"), ldx(8, 1, 10, -8), bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMul, Dst: 0, Imm: 100},
		bpf.Insn{Op: bpf.ClassALU64 | bpf.AluAdd | bpf.SrcX, Dst: 0, Src: 1}, exit)
	p.Refs = []bpf.Ref{{Slot: 3, Kind: bpf.RefFunc, Name: "cb"}}
	p.Subs = map[string]*Program{"cb": cb}
	if v, err := Run(sim.New(sim.Options{}), p, 0); v != 1045 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}

func TestTailCall(t *testing.T) {
	m := sim.New(sim.Options{})
	jumps, err := m.AddMap(sim.MapDef{Name: "jumps", Type: "prog-array", KeySize: 4, ValueSize: 4, MaxEntries: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := jumps.SetProg(1, "next"); err != nil {
		t.Fatal(err)
	}
	to := func(index int32) *Program {
		p := program("main", movR(6, 1), mapRef("jumps"), movR(2, 1), movR(1, 6), mov(3, index), call("tail-call"), mov(0, 5), exit)
		p.Tails = map[string]*Program{"next": program("next", movR(0, 1), mov(0, 9), exit), "main": p}
		return p
	}
	ctx := m.NewRawContext(make([]byte, 8))
	for index, want := range map[int32]uint64{0: 5, 1: 9, 7: 5} {
		if v, err := Run(m, to(index), ctx); v != want || err != nil {
			t.Errorf("index %d: %d, %v", index, v, err)
		}
	}
	// A program that calls itself stops after 33 times.
	if err := jumps.SetProg(2, "main"); err != nil {
		t.Fatal(err)
	}
	r := &Runner{M: m}
	if v, err := r.Run(to(2), ctx); v != 5 || err != nil || r.Steps != 34*6+2 {
		t.Errorf("itself: %d, %v, %d steps", v, err, r.Steps)
	}
	var asked []uint64
	m.TailCall = func(name string, index uint64) bool { asked = append(asked, index); return true }
	if v, err := Run(m, to(0), ctx); v != 0 || err != nil || len(asked) != 1 {
		t.Errorf("hook: %d, %v, %v", v, err, asked)
	}
}

func TestAdjustHead(t *testing.T) {
	// Four bytes more in front, whose pointers from before are stale.
	grow := code(movR(6, 1), mov(2, -4), call("xdp-adjust-head"))
	fresh := code(ldx(4, 7, 6, 0), mov(1, 0x11223344), stx(4, 7, 1, 0), exit)
	m := sim.New(sim.Options{})
	ctx, _ := m.NewPacketContext(abi.ProgTypeByKeyword("xdp"), make([]byte, 20), nil)
	if v, err := Run(m, program("f", grow, fresh), ctx); v != 0 || err != nil {
		t.Fatal(v, err)
	}
	if p := m.Packet(ctx); len(p) != 24 || !bytes.HasPrefix(p, []byte{0x44, 0x33, 0x22, 0x11}) {
		t.Errorf("packet %x", p)
	}
	stale := program("f", movR(6, 1), ldx(4, 7, 6, 0), mov(2, -4), call("xdp-adjust-head"), ldx(1, 0, 7, 0), exit)
	if _, err := Run(m, stale, ctx); err == nil || !strings.Contains(err.Error(), "slot 4") || !strings.Contains(err.Error(), "the packet is gone") {
		t.Error(err)
	}
}

// TestErrors runs wrong programs.
func TestErrors(t *testing.T) {
	reserve := code(mov(2, 16), mov(3, 0), call("ringbuf-reserve"))
	for _, c := range []struct {
		want string
		slot int
		p    *Program
	}{
		{"register R3 has no value", 0, program("f", movR(0, 3), exit)},
		{"R0 has no value at the end", 0, program("f", exit)},
		{"register R1 has no value", 1, program("f", call("ktime-get-ns"), movR(0, 1), exit)},
		{"register R10 cannot be written", 0, program("f", mov(10, 1), exit)},
		{"byte 504 of the stack of f was never written", 0, program("f", ldx(8, 0, 10, -8), exit)},
		{"offset 512 ends 8 bytes above the top of the stack of f", 0, program("f", stx(8, 10, 1, 0), exit)},
		{"not aligned", 0, program("f", stx(8, 10, 1, -12), exit)},
		{"null pointer plus 8", 1, program("f", mov(1, 0), ldx(8, 0, 1, 8), exit)},
		{"runs out of the program", 1, program("f", mov(0, 0))},
		{"more than 1000000 steps", 0, program("f", bpf.Insn{Op: bpf.ClassJMP | bpf.JmpA, Off: -1})},
		{"no map or variable nothing", 0, program("f", mapRef("nothing"), exit)},
		{"map counts is not memory", 2, program("f", mapRef("counts"), ldx(8, 0, 1, 0), exit)},
		{"argument 2 of bpf_map_lookup_elem: register R2 has no value", 2, program("f", mapRef("counts"), call("map-lookup-elem"), exit)},
		{"key of map counts: read of 4 bytes at", 4, program("f", mapRef("counts"), movR(2, 10), addK(2, -4), call("map-lookup-elem"), exit)},
		{"bpf_skb_ecn_set_ce: not simulated", 0, program("f", call("skb-ecn-set-ce"), exit)},
		{"a record of ring buffer events (16 bytes) was neither submitted nor discarded", 6,
			program("f", mapRef("events"), reserve, mov(0, 0), exit)},
		{"the record of ring buffer events is gone: it was submitted", 9,
			program("f", mapRef("events"), reserve, movR(1, 0), movR(6, 0), mov(2, 0), call("ringbuf-submit"), ldx(8, 0, 6, 0), exit)},
		{"offset 10 ends 2 bytes past the end of the record of ring buffer events (16 bytes)", 5,
			program("f", mapRef("events"), reserve, stx(8, 0, 0, 10), exit)},
		{"register R0 has no value", 9,
			program("f", mapRef("events"), reserve, movR(1, 0), mov(2, 0), mov(3, 0), call("ringbuf-discard"), movR(1, 0), exit)},
		{"the context is read-only", 1, program("f", mov(2, 0), stx(4, 1, 2, 0), exit)},
	} {
		m := sim.New(sim.Options{})
		for _, d := range []sim.MapDef{{Name: "counts", Type: "hash", KeySize: 4, ValueSize: 8, MaxEntries: 4}, {Name: "events", Type: "ringbuf", MaxEntries: 4096}} {
			if _, err := m.AddMap(d); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Run(m, c.p, m.NewRawContext(make([]byte, 8)))
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || e.Slot != c.slot {
			t.Errorf("%v, want %q at slot %d", err, c.want, c.slot)
		}
	}
}
