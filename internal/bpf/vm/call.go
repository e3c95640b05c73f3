package vm

import (
	"errors"
	"fmt"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/sim"
)

// call is a call of a helper or of a function of the program. After it, R1 to
// R5 have no value, and R0 only if there is a result.
func (x *execution) call(f *frame, in bpf.Insn) error {
	switch in.Src {
	case 0:
		return x.helper(f, in.Imm)
	case bpf.PseudoCall:
		p, slot := f.prog, f.slot+int(in.Imm)
		if ref, ok := x.ref(f.prog, f.slot-1); ok {
			var err error
			if p, err = x.sub(f.prog, ref.Name); err != nil {
				return err
			}
			slot = 0
		}
		g, err := x.function(p, slot, f)
		if err != nil {
			return err
		}
		f.ok &^= 0x3f
		if g.ok&1 != 0 {
			f.set(bpf.R0, g.regs[bpf.R0])
		}
		return nil
	case bpf.PseudoKfuncCall:
		return x.kfunc(f)
	}
	return fmt.Errorf("a call of an unknown kind: %s", in.Text(bpf.Insn{}, nil))
}

// kfunc calls the function of the kernel that the instruction refers to.
func (x *execution) kfunc(f *frame) error {
	ref, ok := x.ref(f.prog, f.slot-1)
	if !ok {
		return errors.New("a call of a function of the kernel without a name")
	}
	var args [5]uint64
	for i := range args {
		if r := bpf.R1 + bpf.Reg(i); f.ok>>r&1 != 0 {
			args[i] = f.regs[r]
		}
	}
	v, err := x.M.CallKfunc(ref.Name, args)
	if err != nil {
		return err
	}
	f.ok &^= 0x3f
	f.set(bpf.R0, v)
	return nil
}

func (x *execution) helper(f *frame, id int32) error {
	h := abi.HelperByID(id)
	var args [5]uint64
	for i := range args {
		r := bpf.R1 + bpf.Reg(i)
		if h != nil && i < len(h.Params) {
			if _, err := f.get(r); err != nil {
				return fmt.Errorf("argument %d of %s: %w", i+1, h.C, err)
			}
		}
		if f.ok>>r&1 != 0 {
			args[i] = f.regs[r]
		}
	}
	v, err := x.M.Call(id, args, x.run)
	var tail *sim.TailCalled
	if errors.As(err, &tail) {
		return x.tailCall(f, tail)
	}
	if err != nil {
		return err
	}
	f.ok &^= 0x3f
	if h == nil || h.Result != abi.ResultVoid {
		f.set(bpf.R0, v)
	}
	return nil
}

// tailCall goes on in another program: it has the frame, but nothing that is
// in it.
func (x *execution) tailCall(f *frame, t *sim.TailCalled) error {
	var next *Program
	for _, from := range []*Program{f.prog, x.top} {
		if p := from.Tails[t.Prog]; p != nil {
			next = p
			break
		}
	}
	if next == nil {
		if t.Prog == "" {
			return &tailEnd{t}
		}
		return fmt.Errorf("tail call to %s, which is not here", t.Prog)
	}
	f.ok = 1 << bpf.R10
	f.set(bpf.R1, x.run.Ctx)
	f.prog, f.slot = next, 0
	x.M.ResetStack(f.regs[bpf.R10] - stackSize)
	return nil
}

// callback calls a function by its address for a helper.
func (x *execution) callback(fn uint64, args [5]uint64) (uint64, error) {
	name, ok := x.M.FuncAt(fn)
	if !ok {
		return 0, fmt.Errorf("%#x is not a function", fn)
	}
	p, err := x.sub(x.top, name)
	if err != nil {
		return 0, err
	}
	var f frame
	for i, v := range args {
		f.set(bpf.R1+bpf.Reg(i), v)
	}
	g, err := x.function(p, 0, &f)
	if err != nil {
		return 0, err
	}
	if g.ok&1 == 0 {
		return 0, &Error{g.prog.Name, g.slot - 1, errors.New("R0 has no value at the end of a callback")}
	}
	return g.regs[bpf.R0], nil
}
