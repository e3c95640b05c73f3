package vm

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/ir"
)

// loadImm is ld_imm64: a number, or the address of what a Ref names.
func (x *execution) loadImm(f *frame, in bpf.Insn) error {
	at := f.slot - 1
	if !in.IsLdImm64() || f.slot >= len(f.prog.Insns) {
		return unknown(in)
	}
	high := f.prog.Insns[f.slot]
	f.slot++
	ref, has := x.ref(f.prog, at)
	switch {
	case has && ref.Kind == bpf.RefFunc:
		if _, err := x.sub(f.prog, ref.Name); err != nil {
			return err
		}
		return f.write(in.Dst, x.M.FuncAddr(ref.Name))
	case has:
		addr := x.M.MapAddr(ref.Name)
		if addr == 0 {
			return fmt.Errorf("there is no map or variable %s", ref.Name)
		}
		if ref.Kind == bpf.RefGlobal { // an offset may be in either half, see PseudoMapValue
			addr += uint64(in.Imm) + uint64(high.Imm)
		}
		return f.write(in.Dst, addr)
	case in.Src != 0:
		return fmt.Errorf("a reference that nothing names: %s", in.Text(high, nil))
	}
	return f.write(in.Dst, uint64(uint32(in.Imm))|uint64(uint32(high.Imm))<<32)
}

// memory executes loads, stores and atomics.
func (x *execution) memory(f *frame, in bpf.Insn) error {
	n := in.Bytes()
	mode := in.Op & 0xe0
	base := in.Dst
	if in.Class() == bpf.ClassLDX {
		base = in.Src
	}
	addr, err := f.get(base)
	if err != nil {
		return err
	}
	addr += uint64(int64(in.Off))
	switch {
	case in.Class() == bpf.ClassLDX && (mode == bpf.ModeMem || mode == bpf.ModeMemSX && n < 8):
		v, err := x.M.Load(addr, n)
		if err != nil {
			return err
		}
		if mode == bpf.ModeMemSX {
			v = ir.OpSext.Eval(uint8(n), v, 0)
		}
		return f.write(in.Dst, v)
	case in.Class() == bpf.ClassST && mode == bpf.ModeMem:
		return x.M.Store(addr, n, uint64(int64(in.Imm)))
	case in.Class() == bpf.ClassSTX && mode == bpf.ModeMem:
		v, err := f.get(in.Src)
		if err != nil {
			return err
		}
		return x.M.Store(addr, n, v)
	case in.Class() == bpf.ClassSTX && mode == bpf.ModeAtomic:
		return x.atomic(f, in, addr, n)
	}
	return unknown(in)
}

// Loads and stores with an order, which came with Linux 6.15.
const (
	loadAcquire  = 0x100
	storeRelease = 0x110
)

var atomicOps = map[int32]ir.Op{bpf.AtomicAdd: ir.OpAdd, bpf.AtomicOr: ir.OpOr, bpf.AtomicAnd: ir.OpAnd, bpf.AtomicXor: ir.OpXor}

func (x *execution) atomic(f *frame, in bpf.Insn, addr uint64, n int) error {
	switch in.Imm {
	case loadAcquire: // here Src is the base
		addr, err := f.get(in.Src)
		if err != nil {
			return err
		}
		v, err := x.M.Load(addr+uint64(int64(in.Off)), n)
		if err != nil {
			return err
		}
		return f.write(in.Dst, v)
	case storeRelease:
		v, err := f.get(in.Src)
		if err != nil {
			return err
		}
		return x.M.Store(addr, n, v)
	}
	if n < 4 {
		return unknown(in)
	}
	if addr%uint64(n) != 0 {
		return fmt.Errorf("atomic operation at %#x, which is not aligned to %d", addr, n)
	}
	src, err := f.get(in.Src)
	if err != nil {
		return err
	}
	old, err := x.M.Load(addr, n)
	if err != nil {
		return err
	}
	size := uint8(n)
	switch in.Imm {
	case bpf.AtomicXchg:
		if err := x.M.Store(addr, n, src); err != nil {
			return err
		}
		return f.write(in.Src, old)
	case bpf.AtomicCmpxchg:
		want, err := f.get(bpf.R0)
		if err != nil {
			return err
		}
		v := old
		if ir.OpEq.Eval(size, old, want) != 0 {
			v = src
		}
		if err := x.M.Store(addr, n, v); err != nil {
			return err
		}
		return f.write(bpf.R0, old)
	}
	o, ok := atomicOps[in.Imm&^bpf.AtomicFetch]
	if !ok {
		return unknown(in)
	}
	if err := x.M.Store(addr, n, o.Eval(size, old, src)); err != nil {
		return err
	}
	if in.Imm&bpf.AtomicFetch != 0 {
		return f.write(in.Src, old)
	}
	return nil
}
