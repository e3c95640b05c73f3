// Package interp executes the intermediate form. It is the definition of what
// a function means: whatever a pass, the allocator or the emitter does to it,
// the answer has to stay the one that comes out here.
//
// It runs on the simulated kernel of package sim, as bpf/vm does.
package interp

import (
	"errors"
	"fmt"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sim"
)

// An Interp executes functions with settings of its own.
type Interp struct {
	M *sim.Machine
	// Subs are the functions that may be called or whose address may be
	// taken; Tails the programs for tail calls, by the names of
	// sim.Map.SetProg.
	Subs, Tails map[string]*ir.Func
	MaxSteps    int // values computed; 0: 1,000,000
	Steps       int // of the last run
	// Trace, if set, is called with each value that has been computed.
	Trace func(f *ir.Func, v *ir.Value, result uint64)
	// Leaves, if set, is called at the end of each block; edge is the one that
	// it is left by, -1 at the end of a function.
	Leaves func(f *ir.Func, b *ir.Block, edge int)
}

// An Error is what went wrong, and where.
type Error struct {
	Func  string
	Block int
	Value string // the value in the text form
	At    *ir.Value
	Err   error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s, b%d, %s: %v", e.Func, e.Block, e.Value, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

const (
	maxSteps  = 1_000_000
	maxFrames = 8 // MAX_CALL_FRAMES of the kernel
)

// Run executes f, args being the parameters of its entry: for a program, the
// address of its context.
func Run(m *sim.Machine, f *ir.Func, args []uint64) (uint64, error) {
	in := &Interp{M: m}
	return in.Run(f, args)
}

// Run executes f. The first argument is the context of the run; what the
// function still holds at the end is an error.
func (in *Interp) Run(f *ir.Func, args []uint64) (uint64, error) {
	in.Steps = 0
	x := &execution{Interp: in}
	ctx := uint64(0)
	if len(args) > 0 {
		ctx = args[0]
	}
	x.run = in.M.NewRun(ctx)
	x.run.Callback = x.callback
	v, err := x.function(f, args)
	var tail *tailEnd
	if errors.As(err, &tail) {
		v, err = 0, nil
	}
	if held := x.run.Finish(); err == nil && held != nil {
		err = &Error{f.Name, f.Blocks[0].ID, "at the end", nil, held}
	}
	return v, err
}

// An execution is one run with all that it calls.
type execution struct {
	*Interp
	run    *sim.Run
	frames int
}

// tailEnd ends a run whose tail call went to a program that is not here.
type tailEnd struct{ *sim.TailCalled }

// A frame is a function that is running: its values by ID and its slots.
type frame struct {
	f       *ir.Func
	values  []uint64
	defined []bool
	slots   []*sim.Region // made when first used
}

func (fr *frame) get(v *ir.Value) (uint64, error) {
	if v == nil || v.ID < 0 || v.ID >= len(fr.values) || !fr.defined[v.ID] {
		return 0, fmt.Errorf("%v has no value here", v)
	}
	return fr.values[v.ID], nil
}

func (fr *frame) set(v *ir.Value, n uint64) { fr.values[v.ID], fr.defined[v.ID] = n, true }

// function executes f; a tail call goes on in another function's place.
func (x *execution) function(f *ir.Func, args []uint64) (uint64, error) {
	if x.frames == maxFrames {
		return 0, fmt.Errorf("more than %d calls deep", maxFrames)
	}
	x.frames++
	defer func() { x.frames-- }()
	for {
		v, next, err := x.body(f, args)
		if next == nil || err != nil {
			return v, err
		}
		f, args = next, []uint64{x.run.Ctx}
	}
}

// body executes f until it returns or calls its successor.
func (x *execution) body(f *ir.Func, args []uint64) (result uint64, next *ir.Func, err error) {
	fr := &frame{f: f, values: make([]uint64, f.NumValues()), defined: make([]bool, f.NumValues()), slots: make([]*sim.Region, len(f.Slots))}
	defer func() {
		for i := len(fr.slots) - 1; i >= 0; i-- {
			x.M.Free(fr.slots[i], "the function returned")
		}
	}()
	if len(f.Blocks) == 0 || len(args) < len(f.Blocks[0].Params) {
		return 0, nil, fmt.Errorf("%s takes other arguments than these %d", f.Name, len(args))
	}
	for b := f.Blocks[0]; ; {
		for i, p := range b.Params {
			fr.set(p, args[i])
		}
		for _, v := range b.Values {
			n, err := x.value(fr, v)
			var tail *sim.TailCalled
			if errors.As(err, &tail) {
				if next := x.Tails[tail.Prog]; next != nil {
					return 0, next, nil
				}
				if tail.Prog == "" {
					return 0, nil, &tailEnd{tail}
				}
				err = fmt.Errorf("tail call to %s, which is not here", tail.Prog)
			}
			if err != nil {
				return 0, nil, at(fr, b, v, err)
			}
			if v.Op.HasResult() && !void(v) {
				fr.set(v, n)
			}
			if x.Trace != nil {
				x.Trace(f, v, n)
			}
		}
		edge, result, err := x.leave(fr, b)
		if err != nil {
			return 0, nil, at(fr, b, b.Term, err)
		}
		if x.Leaves != nil {
			taken := -1
			for i := range b.Succs {
				if edge == &b.Succs[i] {
					taken = i
				}
			}
			x.Leaves(f, b, taken)
		}
		if edge == nil {
			return result, nil, nil
		}
		// All arguments are read before any parameter changes.
		args = args[:0:0]
		for _, a := range edge.Args {
			n, err := fr.get(a)
			if err != nil {
				return 0, nil, at(fr, b, b.Term, err)
			}
			args = append(args, n)
		}
		if b = edge.To; len(args) < len(b.Params) {
			return 0, nil, at(fr, b, b.Params[len(args)], errors.New("the edge gives it no value"))
		}
	}
}

// void reports whether v calls a helper that gives nothing back.
func void(v *ir.Value) bool {
	if v.Op != ir.OpCall {
		return false
	}
	h := abi.HelperByID(int32(v.Aux))
	return h != nil && h.Result == abi.ResultVoid
}

// at says where err happened, unless it says so itself.
func at(fr *frame, b *ir.Block, v *ir.Value, err error) error {
	var inner *Error
	var tail *tailEnd
	if errors.As(err, &inner) || errors.As(err, &tail) {
		return err
	}
	text := "end"
	if v != nil {
		text = v.LongString()
	}
	return &Error{fr.f.Name, b.ID, text, v, err}
}

// leave executes b's terminator: the edge to take, or the result.
func (x *execution) leave(fr *frame, b *ir.Block) (*ir.Edge, uint64, error) {
	if err := x.step(); err != nil {
		return nil, 0, err
	}
	t := b.Term
	if t == nil {
		return nil, 0, errors.New("the block has no terminator")
	}
	switch t.Op {
	case ir.OpRet:
		v, err := operand(fr, t, 0)
		return nil, v, err
	case ir.OpJump:
		return &b.Succs[0], 0, nil
	case ir.OpBr:
		v, err := operand(fr, t, 0)
		if err != nil {
			return nil, 0, err
		}
		w, err := operand(fr, t, 1)
		if err != nil {
			return nil, 0, err
		}
		if t.Cmp.Eval(t.Size, v, w) != 0 {
			return &b.Succs[0], 0, nil
		}
		return &b.Succs[1], 0, nil
	}
	return nil, 0, fmt.Errorf("%v does not end a block", t.Op)
}

func (x *execution) step() error {
	limit := x.MaxSteps
	if limit == 0 {
		limit = maxSteps
	}
	if x.Steps++; x.Steps > limit {
		return fmt.Errorf("more than %d steps", limit)
	}
	return nil
}
