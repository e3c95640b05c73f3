package vm

import (
	"bytes"
	"math/rand"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/sim"
)

// onStack writes b below R10, at off.
func onStack(b []byte, off int16) (out []bpf.Insn) {
	for i, c := range b {
		out = append(out, bpf.Insn{Op: bpf.ClassST | bpf.ModeMem | bpf.SizeB, Dst: 10, Off: off + int16(i), Imm: int32(c)})
	}
	return out
}

func fp(r bpf.Reg, off int32) []bpf.Insn { return code(movR(r, 10), addK(r, off)) }

// TestKernelHelpers calls helpers with random arguments here and in the
// kernel, and compares the result and the packet.
func TestKernelHelpers(t *testing.T) {
	needKernel(t)
	g := rand.New(rand.NewSource(1))
	bytesOf := func(n int) []byte {
		b := make([]byte, n)
		g.Read(b)
		return b
	}
	pick := func(n ...int32) int32 { return n[g.Intn(len(n))] }
	off := func() int32 { return pick(0, 2, 3, 14, 24, 36, 59, 60, 62, 64, 70000, -2) }
	// R6 is the context. What a helper wrote to the stack is mixed into R0.
	for _, c := range []struct {
		helper, prog string
		call         func() []bpf.Insn
	}{
		{"csum-diff", "xdp", func() []bpf.Insn {
			from, to := 4*g.Intn(5), 4*g.Intn(5)
			args := code(onStack(bytesOf(16), -16), onStack(bytesOf(16), -32), fp(1, -16), mov(2, int32(from)), fp(3, -32), mov(4, int32(to)), ld(5, uint64(g.Uint32())))
			return args
		}},
		{"xdp-adjust-head", "xdp", func() []bpf.Insn {
			return code(movR(1, 6), mov(2, pick(0, 1, -1, 14, 50, 51, -100, -216, -217, -256, 1000)))
		}},
		{"xdp-adjust-tail", "xdp", func() []bpf.Insn {
			return code(movR(1, 6), mov(2, pick(0, -1, -50, -51, 1, 100, -1000, 1<<20)))
		}},
		{"xdp-adjust-meta", "xdp", func() []bpf.Insn {
			return code(movR(1, 6), mov(2, pick(0, -1, -4, -32, -252, -256, -216, -220, 4)))
		}},
		{"xdp-load-bytes", "xdp", func() []bpf.Insn {
			return code(onStack(bytesOf(8), -8), movR(1, 6), mov(2, off()), fp(3, -8), mov(4, pick(1, 4, 8)))
		}},
		{"xdp-store-bytes", "xdp", func() []bpf.Insn {
			return code(onStack(bytesOf(8), -8), movR(1, 6), mov(2, off()), fp(3, -8), mov(4, pick(1, 4, 8)))
		}},
		{"xdp-get-buff-len", "xdp", func() []bpf.Insn { return code(movR(1, 6)) }},
		{"skb-load-bytes", "tc", func() []bpf.Insn {
			return code(onStack(bytesOf(8), -8), movR(1, 6), mov(2, off()), fp(3, -8), mov(4, pick(1, 4, 8)))
		}},
		{"skb-store-bytes", "tc", func() []bpf.Insn {
			return code(onStack(bytesOf(8), -8), movR(1, 6), mov(2, off()), fp(3, -8), mov(4, pick(1, 4, 8)), mov(5, pick(0, 1, 2, 4)))
		}},
		{"skb-pull-data", "tc", func() []bpf.Insn { return code(movR(1, 6), mov(2, pick(0, 1, 64, 65))) }},
		{"skb-change-tail", "tc", func() []bpf.Insn {
			return code(movR(1, 6), mov(2, pick(0, 10, 14, 30, 64, 80)), mov(3, pick(0, 0, 0, 1)))
		}},
		{"l3-csum-replace", "tc", func() []bpf.Insn {
			return code(movR(1, 6), mov(2, off()), ld(3, g.Uint64()), ld(4, g.Uint64()), mov(5, pick(0, 2, 4, 3, 16)))
		}},
		{"l4-csum-replace", "tc", func() []bpf.Insn {
			return code(movR(1, 6), mov(2, off()), ld(3, g.Uint64()), ld(4, g.Uint64()), mov(5, pick(0, 2, 4, 0x12, 0x14, 0x22, 0x62, 0x200)))
		}},
		{"skb-load-bytes-relative", "tc", func() []bpf.Insn {
			return code(onStack(bytesOf(8), -8), movR(1, 6), mov(2, off()), fp(3, -8), mov(4, pick(1, 4, 8)), mov(5, pick(0, 1, 2)))
		}},
		{"skb-change-type", "tc", func() []bpf.Insn { return code(movR(1, 6), mov(2, pick(0, 1, 2, 3, 4, 6, 99))) }},
		{"set-hash", "tc", func() []bpf.Insn { return code(movR(1, 6), mov(2, int32(g.Uint32()))) }},
		{"strtol", "xdp", func() []bpf.Insn { return numberText(g) }},
		{"strtoul", "xdp", func() []bpf.Insn { return numberText(g) }},
		{"redirect", "xdp", func() []bpf.Insn { return code(mov(1, 1), mov(2, pick(1, 3))) }}, // refused: nothing goes out
	} {
		t.Run(c.helper, func(t *testing.T) {
			for range 150 {
				insns := code(movR(6, 1), onStack(make([]byte, 8), -8), c.call(), call(c.helper),
					ldx(8, 1, 10, -8), mov(2, 31), bpf.Insn{Op: bpf.ClassALU64 | bpf.AluMul | bpf.SrcX, Dst: 0, Src: 2},
					bpf.Insn{Op: bpf.ClassALU64 | bpf.AluXor | bpf.SrcX, Dst: 0, Src: 1}, exit)
				pt := abi.ProgTypeByKeyword(c.prog)
				packet := bytesOf(64)
				if g.Intn(3) == 0 {
					clear(packet[20:40])
				}
				m := sim.New(sim.Options{})
				ctx, err := m.NewPacketContext(pt, packet, nil)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Run(m, &Program{Insns: insns}, ctx)
				if err != nil {
					t.Fatalf("%v\n%s", err, listing(insns))
				}
				want, out := inKernel(t, ebpf.ProgramType(pt.Type), insns, nil, nil, packet)
				// The kernel gives metadata, which has no value yet, with the packet.
				if n := len(m.Metadata(ctx)); len(out) >= n {
					out = out[n:]
				}
				if uint32(got) != want || !bytes.Equal(out, m.Packet(ctx)) {
					t.Fatalf("%#x and packet\n%x, the kernel has %#x and\n%x\n%s", got, m.Packet(ctx), want, out, listing(insns))
				}
			}
		})
	}
}

// numberText calls strtol or strtoul with texts that are nearly numbers.
func numberText(g *rand.Rand) []bpf.Insn {
	const signs = "0123456789abcdfxX-+ \t\n:g/"
	text := make([]byte, 24)
	for i := range text {
		text[i] = signs[g.Intn(len(signs))]
		if g.Intn(3) > 0 {
			text[i] = "0123456789"[g.Intn(10)]
		}
	}
	switch g.Intn(4) {
	case 0:
		copy(text, "0x")
	case 1:
		copy(text, " -")
	case 2:
		text[1+g.Intn(20)] = 0
	}
	return code(onStack(text, -40), fp(1, -40), mov(2, int32(1+g.Intn(24))), mov(3, []int32{0, 0, 8, 10, 16, 2, 32}[g.Intn(7)]), fp(4, -8))
}
