// Package vm runs BPF instructions in user space, on the simulated kernel of
// package sim. It means what the kernel's interpreter means, and refuses what
// the verifier refuses where that can be seen in one run: registers and stack
// bytes without a value, memory out of bounds, references that are not given
// back.
package vm

import (
	"errors"
	"fmt"

	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/sim"
)

// A Program is the code of one function with what it refers to.
type Program struct {
	Name  string
	Insns []bpf.Insn
	Refs  []bpf.Ref
	// Subs are the functions that it may call or take the address of, by
	// name. Those of the program that was started count, also in callees.
	Subs map[string]*Program
	// Tails are the programs that it may tail-call, by the names given to
	// sim.Map.SetProg.
	Tails map[string]*Program
}

// An Error is what went wrong, and at which slot of which function.
type Error struct {
	Name string
	Slot int
	Err  error
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("slot %d: %v", e.Slot, e.Err)
	}
	return fmt.Sprintf("%s, slot %d: %v", e.Name, e.Slot, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Limits of the kernel: MAX_BPF_STACK, MAX_CALL_FRAMES, and the number of
// instructions that the verifier goes through.
const (
	stackSize = 512
	maxFrames = 8
	maxSteps  = 1_000_000
)

// A Runner runs programs with settings of its own.
type Runner struct {
	M        *sim.Machine
	MaxSteps int // 0: 1,000,000
	Steps    int // executed by the last run
	// Trace, if set, is called before each instruction.
	Trace func(p *Program, slot int, regs *[11]uint64)
}

// Run runs prog with the context at address ctx in R1 and gives R0.
func Run(m *sim.Machine, prog *Program, ctx uint64) (uint64, error) {
	r := &Runner{M: m}
	return r.Run(prog, ctx)
}

// Run runs prog. What it still holds at the end is an error.
func (r *Runner) Run(prog *Program, ctx uint64) (uint64, error) {
	r.Steps = 0
	x := &execution{Runner: r, top: prog, run: r.M.NewRun(ctx), refs: map[*Program]map[int]bpf.Ref{}}
	x.run.Callback = x.callback
	var args frame
	args.set(bpf.R1, ctx)
	f, err := x.function(prog, 0, &args)
	var tail *tailEnd
	if errors.As(err, &tail) {
		f.set(bpf.R0, 0)
		err = nil
	}
	if held := x.run.Finish(); err == nil && held != nil {
		err = &Error{f.prog.Name, f.slot - 1, held}
	}
	if err != nil {
		return 0, err
	}
	if f.ok&1 == 0 {
		return 0, &Error{f.prog.Name, f.slot - 1, errors.New("R0 has no value at the end")}
	}
	return f.regs[bpf.R0], nil
}

// An execution is one run of a program with all that it calls.
type execution struct {
	*Runner
	top    *Program
	run    *sim.Run
	refs   map[*Program]map[int]bpf.Ref
	frames int
}

// A frame is a function that is running.
type frame struct {
	prog *Program
	slot int
	regs [11]uint64
	ok   uint16 // bit n: register n has a value
}

func (f *frame) set(r bpf.Reg, v uint64) {
	f.regs[r] = v
	f.ok |= 1 << r
}

func (f *frame) get(r bpf.Reg) (uint64, error) {
	if r > bpf.R10 {
		return 0, fmt.Errorf("there is no register %d", r)
	}
	if f.ok>>r&1 == 0 {
		return 0, fmt.Errorf("register R%d has no value", r)
	}
	return f.regs[r], nil
}

// tailEnd ends a run whose tail call went to a program that is not here.
type tailEnd struct{ *sim.TailCalled }

// function runs p from a slot on, in a frame with R1 to R5 of args, until
// it exits.
func (x *execution) function(p *Program, slot int, args *frame) (*frame, error) {
	f := &frame{prog: p, slot: slot, regs: args.regs, ok: args.ok & 0x3e}
	if x.frames == maxFrames {
		return f, &Error{p.Name, slot, fmt.Errorf("more than %d calls deep", maxFrames)}
	}
	x.frames++
	stack := x.M.NewStack(stackSize, "the stack of "+p.name())
	f.set(bpf.R10, stack.Base+stackSize)
	defer func() {
		x.frames--
		x.M.Free(stack, "the function returned")
	}()
	limit := x.MaxSteps
	if limit == 0 {
		limit = maxSteps
	}
	for {
		if f.slot < 0 || f.slot >= len(f.prog.Insns) {
			return f, &Error{f.prog.Name, f.slot, errors.New("runs out of the program")}
		}
		if x.Steps++; x.Steps > limit {
			return f, &Error{f.prog.Name, f.slot, fmt.Errorf("more than %d steps", limit)}
		}
		if x.Trace != nil {
			x.Trace(f.prog, f.slot, &f.regs)
		}
		at, prog := f.slot, f.prog
		done, err := x.step(f)
		if err != nil {
			var inner *Error
			var tail *tailEnd
			if !errors.As(err, &inner) && !errors.As(err, &tail) {
				err = &Error{prog.Name, at, err}
			}
			return f, err
		}
		if done {
			return f, nil
		}
	}
}

func (p *Program) name() string {
	if p.Name == "" {
		return "the program"
	}
	return p.Name
}

// ref is what the code of p at slot refers to.
func (x *execution) ref(p *Program, slot int) (bpf.Ref, bool) {
	refs := x.refs[p]
	if refs == nil {
		refs = map[int]bpf.Ref{}
		for _, r := range p.Refs {
			refs[r.Slot] = r
		}
		x.refs[p] = refs
	}
	r, ok := refs[slot]
	return r, ok
}

// sub finds a function by name.
func (x *execution) sub(p *Program, name string) (*Program, error) {
	for _, from := range []*Program{p, x.top} {
		if s := from.Subs[name]; s != nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no function %s", name)
}
