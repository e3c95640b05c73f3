package interp

import (
	"errors"
	"fmt"

	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sim"
)

// operand is argument i of v, the immediate being the last.
func operand(fr *frame, v *ir.Value, i int) (uint64, error) {
	if i >= v.NumOperands() {
		return 0, fmt.Errorf("operand %d is missing", i)
	}
	a, imm := v.Operand(i)
	if a == nil {
		return uint64(imm), nil
	}
	return fr.get(a)
}

func operands(fr *frame, v *ir.Value) ([]uint64, error) {
	out := make([]uint64, v.NumOperands())
	for i := range out {
		n, err := operand(fr, v, i)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// value computes v.
func (x *execution) value(fr *frame, v *ir.Value) (uint64, error) {
	if err := x.step(); err != nil {
		return 0, err
	}
	if v.Op.Foldable() {
		a, err := operand(fr, v, 0)
		if err != nil || v.NumOperands() == 1 {
			return v.Op.Eval(v.Size, a, 0), err
		}
		b, err := operand(fr, v, 1)
		return v.Op.Eval(v.Size, a, b), err
	}
	switch v.Op {
	case ir.OpConst, ir.OpCore:
		return uint64(v.Aux), nil
	case ir.OpKsym:
		return 0, fmt.Errorf("the variable %s is the kernel's, which is not here", v.Sym)
	case ir.OpMapAddr:
		if addr := x.M.MapAddr(v.Sym); addr != 0 {
			return addr + uint64(v.Aux), nil
		}
		if x.Subs[v.Sym] != nil {
			return x.M.FuncAddr(v.Sym), nil
		}
		return 0, fmt.Errorf("there is no map or variable %s", v.Sym)
	}
	args, err := operands(fr, v)
	if err != nil {
		return 0, err
	}
	switch v.Op {
	case ir.OpStackAddr, ir.OpLoad, ir.OpLoadS, ir.OpStore, ir.OpAtomic:
		return x.memory(fr, v, args)
	case ir.OpCall:
		if len(args) > 5 {
			return 0, errors.New("more than 5 arguments")
		}
		var a [5]uint64
		copy(a[:], args)
		return x.M.Call(int32(v.Aux), a, x.run)
	case ir.OpCallKfunc:
		if len(args) > 5 {
			return 0, errors.New("more than 5 arguments")
		}
		var a [5]uint64
		copy(a[:], args)
		return x.M.CallKfunc(v.Sym, a)
	case ir.OpCallSub:
		f := x.Subs[v.Sym]
		if f == nil {
			return 0, fmt.Errorf("there is no function %s", v.Sym)
		}
		return x.function(f, args)
	case ir.OpSpill: // its argument keeps its value
		return 0, nil
	case ir.OpReload:
		return args[0], nil
	}
	return 0, fmt.Errorf("%v has no meaning in a block", v.Op)
}

// callback calls a function by its address for a helper.
func (x *execution) callback(fn uint64, args [5]uint64) (uint64, error) {
	name, ok := x.M.FuncAt(fn)
	if !ok || x.Subs[name] == nil {
		return 0, fmt.Errorf("%#x is not a function", fn)
	}
	return x.function(x.Subs[name], args[:])
}

// slot is the memory of a stack slot.
func (x *execution) slot(fr *frame, i int) (*sim.Region, error) {
	if i >= len(fr.f.Slots) || fr.f.Slots[i] == nil {
		return nil, fmt.Errorf("there is no slot s%d", i)
	}
	if fr.slots[i] == nil {
		s := fr.f.Slots[i]
		name := fmt.Sprintf("stack slot s%d of %s", i, fr.f.Name)
		if s.Name != "" {
			name = fmt.Sprintf("stack slot %s of %s", s.Name, fr.f.Name)
		}
		fr.slots[i] = x.M.NewStack(s.Size, name)
	}
	return fr.slots[i], nil
}

// memory executes the ops that address Args[0]+Aux, or Slot+Aux.
func (x *execution) memory(fr *frame, v *ir.Value, args []uint64) (uint64, error) {
	var addr uint64
	if v.Slot != 0 {
		s, err := x.slot(fr, v.Slot)
		if err != nil {
			return 0, err
		}
		addr = s.Base
	} else {
		if len(args) == 0 {
			return 0, errors.New("no address")
		}
		addr, args = args[0], args[1:]
	}
	addr += uint64(v.Aux)
	n := int(v.Size)
	switch v.Op {
	case ir.OpStackAddr:
		return addr, nil
	case ir.OpLoad:
		return x.M.Load(addr, n)
	case ir.OpLoadS:
		w, err := x.M.Load(addr, n)
		return ir.OpSext.Eval(v.Size, w, 0), err
	case ir.OpStore:
		return 0, x.M.Store(addr, n, args[0])
	}
	return x.atomic(v, addr, args)
}

var atomicOps = map[string]ir.Op{"add": ir.OpAdd, "or": ir.OpOr, "and": ir.OpAnd, "xor": ir.OpXor,
	"fetch-add": ir.OpAdd, "fetch-or": ir.OpOr, "fetch-and": ir.OpAnd, "fetch-xor": ir.OpXor}

// atomic changes memory and gives what was there, also for the forms whose
// result is never used.
func (x *execution) atomic(v *ir.Value, addr uint64, args []uint64) (uint64, error) {
	n := int(v.Size)
	want := 1
	if v.Sym == "cmpxchg" {
		want = 2
	}
	switch {
	case n < 4:
		return 0, fmt.Errorf("there are no atomic operations on %d bytes", n)
	case len(args) != want:
		return 0, fmt.Errorf("%s has %d operands", v.Sym, len(args))
	case addr%uint64(n) != 0:
		return 0, fmt.Errorf("atomic operation at %#x, which is not aligned to %d", addr, n)
	}
	old, err := x.M.Load(addr, n)
	if err != nil {
		return 0, err
	}
	to := args[want-1]
	switch op, ok := atomicOps[v.Sym]; {
	case ok:
		to = op.Eval(v.Size, old, to)
	case v.Sym == "cmpxchg":
		if ir.OpEq.Eval(v.Size, old, args[0]) == 0 {
			to = old
		}
	case v.Sym != "xchg":
		return 0, fmt.Errorf("unknown atomic operation %q", v.Sym)
	}
	return old, x.M.Store(addr, n, to)
}
