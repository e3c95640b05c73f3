package machine

import (
	"flag"
	"math/rand"
	"testing"

	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/types"
)

var functions = flag.Int("functions", 800, "random functions that TestRandom compares")

// A maker makes random functions of few different pieces, so that they have
// much in common for the passes to find. Between two pieces every register up
// to r8 has a value, and so have 32 bytes of stack.
type maker struct {
	r      *rand.Rand
	top    int // registers from r6 to here are in use
	pieces [][]Insn
	arms   map[*Block]bool // that only a branch of their own leads to
}

func random(r *rand.Rand) *Func {
	m := &maker{r: r, top: 5 + r.Intn(4), arms: map[*Block]bool{}}
	for range 3 + r.Intn(4) {
		m.pieces = append(m.pieces, m.piece())
	}
	f := &Func{}
	for range 4 + r.Intn(8) {
		f.NewBlock()
	}
	f.Blocks[0].Insns = m.entry()
	for n, b := range f.Blocks {
		if n > 0 && r.Intn(4) == 0 {
			continue // does nothing but lead on
		}
		for range r.Intn(4) {
			b.Insns = append(b.Insns, m.pieces[r.Intn(len(m.pieces))]...)
		}
	}
	for n := 1; n+3 < len(f.Blocks); n += 1 + 2*r.Intn(2) {
		if r.Intn(2) == 0 {
			m.diamond(f, n)
			n += 2
		}
	}
	for n, b := range f.Blocks {
		if b.Succs == nil {
			m.leave(f, n, b)
		}
	}
	return f
}

// diamond has block n branch to the next two, which may begin alike and of
// which one may be a constant only. What stands behind is no arm.
func (m *maker) diamond(f *Func, n int) {
	b, x, y, join := f.Blocks[n], f.Blocks[n+1], f.Blocks[n+2], f.Blocks[n+3]
	br := m.condition()
	b.Branch, b.Succs = &br, []*Block{x, y}
	x.Succs, y.Succs = []*Block{join}, []*Block{join}
	m.arms[x], m.arms[y] = true, true
	switch m.r.Intn(4) {
	case 0:
		head := []Insn{move(m.reg(), m.reg())}
		x.Insns, y.Insns = append(head, x.Insns...), append(head[:1:1], y.Insns...)
	case 1:
		x.Insns, y.Insns = []Insn{set(m.reg(), m.small())}, append([]Insn{set(m.reg(), m.small())}, y.Insns...)
	case 2:
		x.Insns, b.Succs, m.arms[y] = []Insn{set(m.reg(), m.small())}, []*Block{y, x}, false
		x.Succs = []*Block{y}
	}
}

// condition is a branch.
func (m *maker) condition() Insn {
	r := m.r
	op := []uint8{bpf.JmpEq, bpf.JmpNe, bpf.JmpGt, bpf.JmpLe, bpf.JmpGe, bpf.JmpLt, bpf.JmpSgt, bpf.JmpSle, bpf.JmpSge, bpf.JmpSlt, bpf.JmpSet, bpf.JmpEq}[r.Intn(12)]
	op |= []uint8{bpf.ClassJMP, bpf.ClassJMP, bpf.ClassJMP32}[r.Intn(3)]
	i := ins(op, m.reg(), 0, 0, m.small())
	if r.Intn(4) == 0 {
		i = ins(op|bpf.SrcX, m.reg(), m.reg(), 0, 0)
	}
	i.Last = r.Intn(2) == 0
	return i
}

func (m *maker) reg() bpf.Reg {
	if m.r.Intn(3) > 0 { // some registers more than others
		return bpf.Reg(m.r.Intn(3) + m.top - 4)
	}
	return bpf.Reg(m.r.Intn(m.top + 1))
}

func (m *maker) small() int32 { return []int32{0, 1, 0, 1, 2, -1}[m.r.Intn(6)] }

func ins(op uint8, dst, src bpf.Reg, off int16, imm int32) Insn {
	return Insn{Insn: bpf.Insn{Op: op, Dst: dst, Src: src, Off: off, Imm: imm}}
}

func move(dst, src bpf.Reg) Insn    { return ins(bpf.ClassALU64|bpf.AluMov|bpf.SrcX, dst, src, 0, 0) }
func set(dst bpf.Reg, n int32) Insn { return ins(bpf.ClassALU64|bpf.AluMov, dst, 0, 0, n) }

func onStack(i Insn) Insn {
	i.Base = types.PtrStack
	return i
}

// entry gives registers and stack their first values; r9 counts the turns of
// loops.
func (m *maker) entry() (out []Insn) {
	load := func(dst bpf.Reg, k int) Insn {
		i := ins(bpf.ClassLDX|bpf.ModeMem|bpf.SizeDW, dst, bpf.R1, int16(8*k), 0)
		i.Base = types.PtrCtx
		return i
	}
	for k := range 4 {
		out = append(out, load(bpf.R2, k), onStack(ins(bpf.ClassSTX|bpf.ModeMem|bpf.SizeDW, bpf.R10, bpf.R2, int16(-8*(k+1)), 0)))
	}
	if m.top > 6 {
		out = append(out, set(bpf.R9, 3))
	}
	for r := bpf.R2; int(r) <= m.top; r++ {
		out = append(out, load(r, int(r)%8))
	}
	return append(out, load(bpf.R0, 0), load(bpf.R1, 1))
}

// slot is a place on the stack for size bytes.
func (m *maker) slot(size int) int16 { return int16(-32 + size*m.r.Intn(32/size)) }

func (m *maker) piece() (out []Insn) {
	r := m.r
	size := 1 << r.Intn(4)
	mem := bpf.ModeMem | bpf.SizeOf(size)
	switch r.Intn(14) {
	case 0, 1:
		return []Insn{set(m.reg(), m.small())}
	case 2:
		return []Insn{ins(bpf.ClassALU|bpf.AluMov, m.reg(), 0, 0, m.small())}
	case 3, 4:
		return []Insn{move(m.reg(), m.reg())}
	case 5:
		return []Insn{{Insn: bpf.Insn{Op: bpf.OpLdImm64, Dst: m.reg(), Imm: m.small()}, Hi: m.small()}}
	case 6:
		op := []uint8{bpf.AluAdd, bpf.AluSub, bpf.AluXor, bpf.AluAnd}[r.Intn(4)]
		class := []uint8{bpf.ClassALU, bpf.ClassALU64}[r.Intn(2)]
		if r.Intn(2) == 0 {
			return []Insn{ins(class|op|bpf.SrcX, m.reg(), m.reg(), 0, 0)}
		}
		return []Insn{ins(class|op, m.reg(), 0, 0, m.small())}
	case 7:
		return []Insn{onStack(ins(bpf.ClassST|mem, bpf.R10, 0, m.slot(size), m.small()))}
	case 8:
		return []Insn{onStack(ins(bpf.ClassSTX|mem, bpf.R10, m.reg(), m.slot(size), 0))}
	case 9:
		return []Insn{onStack(ins(bpf.ClassLDX|mem, m.reg(), bpf.R10, m.slot(size), 0))}
	case 10:
		op := []int32{bpf.AtomicAdd, bpf.AtomicXor | bpf.AtomicFetch, bpf.AtomicXchg, bpf.AtomicCmpxchg}[r.Intn(4)]
		return []Insn{onStack(ins(bpf.ClassSTX|bpf.ModeAtomic|bpf.SizeDW, bpf.R10, m.reg(), m.slot(8), op))}
	case 11: // bpf_get_current_comm writes 16 bytes
		out = append(m.stack(bpf.R1, -16-16*int32(r.Intn(2))), set(bpf.R2, 16), ins(bpf.ClassJMP|bpf.JmpCall, 0, 0, 0, 16))
	default: // bpf_map_update_elem
		key, value := int32(m.slot(4)), int32(m.slot(8))
		mp := Insn{Insn: bpf.Insn{Op: bpf.OpLdImm64, Dst: bpf.R1}, Ref: &bpf.Ref{Kind: bpf.RefMap, Name: "m"}}
		out = append(out, onStack(ins(bpf.ClassST|bpf.ModeMem|bpf.SizeW, bpf.R10, 0, int16(key), int32(r.Intn(3)))), mp)
		out = append(append(append(out, m.stack(bpf.R2, key)...), m.stack(bpf.R3, value)...), set(bpf.R4, 0), ins(bpf.ClassJMP|bpf.JmpCall, 0, 0, 0, 2))
	}
	for arg := bpf.R1; arg <= bpf.R5; arg++ { // gone over the call
		if r.Intn(2) == 0 {
			out = append(out, move(arg, bpf.R0))
		} else {
			out = append(out, set(arg, m.small()))
		}
	}
	return out
}

func (m *maker) stack(dst bpf.Reg, off int32) []Insn {
	return []Insn{move(dst, bpf.R10), ins(bpf.ClassALU64|bpf.AluAdd, dst, 0, 0, off)}
}

// leave ends block n: by a branch or a jump to later ones, back while r9
// lasts, or by leaving the function.
func (m *maker) leave(f *Func, n int, b *Block) {
	r := m.r
	later := func() *Block {
		for k := n + 1 + r.Intn(min(3, len(f.Blocks)-n-1)); ; k++ {
			if b := f.Blocks[k]; !m.arms[b] {
				return b
			}
		}
	}
	switch k := r.Intn(8); {
	case n == len(f.Blocks)-1 || k == 0 && n > 2:
		if r.Intn(2) == 0 {
			b.Insns = append(b.Insns, set(bpf.R0, m.small()))
		}
		b.Insns = append(b.Insns, ins(bpf.ClassJMP|bpf.JmpExit, 0, 0, 0, 0))
	case k == 1 && n > 0 && m.top > 6:
		b.Insns = append(b.Insns, ins(bpf.ClassALU64|bpf.AluAdd, bpf.R9, 0, 0, -1))
		br := ins(bpf.ClassJMP|bpf.JmpSgt, bpf.R9, 0, 0, 0)
		back := f.Blocks[1+r.Intn(n)]
		for m.arms[back] {
			back = f.Blocks[1+r.Intn(n)]
		}
		b.Branch, b.Succs = &br, []*Block{back, later()}
	case k <= 5:
		br := m.condition()
		b.Branch, b.Succs = &br, []*Block{later(), later()}
	default:
		b.Succs = []*Block{later()}
	}
}

// TestRandom runs the passes on random functions, in random orders, and
// compares behind each in the VM; at last the code as it is laid out. The long
// run: go test ./internal/machine -run TestRandom -functions 100000
func TestRandom(t *testing.T) {
	changed := map[string]int{}
	for seed := range int64(*functions) {
		r := rand.New(rand.NewSource(seed))
		f := random(r)
		parse(t, text(f))
		check := func(name string, pass func(*Func) bool, laid bool) {
			g := clone(f)
			if !pass(g) && !laid {
				return
			}
			changed[name]++
			if err := same(f, g, laid); err != nil {
				t.Fatalf("seed %d, %s: %v", seed, name, err)
			}
			f = g
		}
		all := append([]pass{last}, passes[:]...)
		for range 4 {
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, p := range all {
				check(p.name, p.run, false)
			}
		}
		check("all", func(f *Func) bool { Improve(f, nil); return true }, true)
	}
	for _, p := range append(passes[:], last) {
		if changed[p.name]*20 < *functions {
			t.Errorf("%s changes only %d times something in %d functions: the test is too easy", p.name, changed[p.name], *functions)
		}
	}
	t.Log("changes:", changed)
}
