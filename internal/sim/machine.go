package sim

import (
	"errors"
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
)

// Options say what a Machine is like; zero means the default.
type Options struct {
	CPUs int    // number of processors, 1
	Seed uint64 // of the random numbers; the same seed gives the same numbers
}

// A Machine is a kernel with its maps. It may be used by one goroutine at a
// time. The exported fields are the world outside, to be set before a run.
type Machine struct {
	memory

	CPU      int    // the processor that runs programs, below CPUs
	Time     uint64 // nanoseconds since boot
	TimeStep uint64 // how much later it is after each look at the clock
	PidTgid  uint64 // process id in the high half, thread id in the low
	UidGid   uint64 // group in the high half, user in the low
	Comm     string // name of the current process
	Task     uint64 // address that get-current-task gives
	CgroupID uint64

	// Mock replaces helpers, by their numbers. The error ErrNotMocked calls the
	// helper itself.
	Mock map[int32]func(args [5]uint64) (uint64, error)
	// Kfuncs are the functions of the kernel, by name. None is simulated.
	Kfuncs map[string]func(args [5]uint64) (uint64, error)
	// TailCall is asked when a program makes a tail call to an entry that
	// SetProg did not fill. True ends the program.
	TailCall func(mapName string, index uint64) bool

	Cookie    uint64   // that get-attach-cookie gives
	Retval    int32    // what set-retval and override-return have said
	Signals   []Signal // what send-signal has sent
	Output    []byte   // what an iterator has written
	Trace     []string // what bpf_trace_printk printed, without the newline at the end
	Redirects []Redirect

	cpus   int
	random uint64
	maps   map[string]*Map
	names  map[string]*Region // maps, globals and functions by name
	doomed []*cell            // deleted values, which programs may still read
	byNum  []*Map             // creation order
}

// A Redirect is a packet that a program sent elsewhere.
type Redirect struct {
	Map   string // "" for an interface
	Key   []byte // in the map
	Index uint32 // of the interface
	Flags uint64
}

// New makes a machine without maps.
func New(o Options) *Machine {
	m := &Machine{cpus: max(o.CPUs, 1), random: o.Seed*2 + 0x9e3779b97f4a7c15, maps: map[string]*Map{}, names: map[string]*Region{},
		Mock: map[int32]func([5]uint64) (uint64, error){}, Kfuncs: map[string]func([5]uint64) (uint64, error){}, Comm: "whistler", CgroupID: 1}
	m.PidTgid = 1000<<32 | 1000
	m.UidGid = 1000<<32 | 1000
	m.Time = 1_000_000_000
	m.Task = m.NewMemory("the current task", make([]byte, 8192), false)
	return m
}

// CPUs is the number of processors.
func (m *Machine) CPUs() int { return m.cpus }

// Map finds a map by its name; nil if there is none.
func (m *Machine) Map(name string) *Map { return m.maps[name] }

// Maps lists the maps as they were added.
func (m *Machine) Maps() []*Map { return m.byNum }

// AddGlobal gives the program the variable name; its bytes are b.
func (m *Machine) AddGlobal(name string, b []byte, writable bool) uint64 {
	r := m.alloc(KindGlobal, "the variable "+name, b, writable)
	m.names[name] = r
	return r.Base
}

// FuncAddr is the address of a function, for callbacks.
func (m *Machine) FuncAddr(name string) uint64 {
	key := "func " + name
	if m.names[key] == nil {
		m.names[key] = m.alloc(KindCode, name, nil, false)
	}
	return m.names[key].Base
}

// FuncAt is the function whose address is addr.
func (m *Machine) FuncAt(addr uint64) (string, bool) {
	r := m.near(addr)
	if r == nil || r.Kind != KindCode || r.Base != addr {
		return "", false
	}
	return r.Name, true
}

// MapAddr is what a program gets as address of a map, a global variable or
// nothing: 0.
func (m *Machine) MapAddr(name string) uint64 {
	if r := m.names[name]; r != nil {
		return r.Base
	}
	return 0
}

// MapAt is the map whose address is addr.
func (m *Machine) MapAt(addr uint64) *Map {
	r := m.near(addr)
	if r == nil || r.Kind != KindMap || r.Base != addr {
		return nil
	}
	return r.owner.(*Map)
}

// A Run is one execution of a program, with what it holds.
type Run struct {
	Ctx uint64 // address of the context
	// Callback calls a function of the program, for bpf_loop and its like.
	Callback func(fn uint64, args [5]uint64) (uint64, error)

	m       *Machine
	tails   int
	records []*record // reserved and not given back
	locks   []uint64
}

// NewRun begins a run of a program with the context at ctx.
func (m *Machine) NewRun(ctx uint64) *Run { return &Run{Ctx: ctx, m: m} }

// Finish ends a run: memory that only it could reach goes away, and what it
// has not given back is an error.
func (r *Run) Finish() error {
	var held []string
	for _, rec := range r.records {
		held = append(held, fmt.Sprintf("a record of ring buffer %s (%s) was neither submitted nor discarded", rec.ring.Name, count(len(rec.data), "byte")))
		rec.state = recordDiscarded // as if the verifier had refused the program
		r.m.free(rec.region, "the program ended")
	}
	for range r.locks {
		held = append(held, "a spin lock was not unlocked")
	}
	r.records, r.locks = nil, nil
	for _, c := range r.m.doomed {
		r.m.free(c.region, "the entry was deleted")
	}
	r.m.doomed = nil
	r.m.sweep()
	if held != nil {
		return errors.New(strings.Join(held, "; "))
	}
	return nil
}

// TailCalled is the error by which Call says that a tail call succeeded:
// the program is over, and Prog runs in its place.
type TailCalled struct {
	Map   string
	Index uint64
	Prog  string // as given to SetProg; "" if Machine.TailCall took the call
}

func (t *TailCalled) Error() string {
	return fmt.Sprintf("tail call through %s[%d] to %q", t.Map, t.Index, t.Prog)
}

// ErrNotMocked is what a mock returns that leaves this call to the helper.
var ErrNotMocked = errors.New("not mocked")

// NotSimulated is the error of a call of what the machine does not have.
type NotSimulated struct {
	Name string // of a function of the kernel, "" for a helper, which is named around it
}

func (n *NotSimulated) Error() string {
	if n.Name != "" {
		return n.Name + ": functions of the kernel are not simulated"
	}
	return "not simulated"
}

// CallKfunc calls a function of the kernel by its name.
func (m *Machine) CallKfunc(name string, args [5]uint64) (uint64, error) {
	if f := m.Kfuncs[name]; f != nil {
		v, err := f(args)
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return v, err
	}
	return 0, &NotSimulated{name}
}

// A helperFunc is what a helper does. Its error is the program's fault and
// ends it; what the kernel would return is a result.
type helperFunc func(m *Machine, r *Run, a [5]uint64) (uint64, error)

// Call calls a helper by its number.
func (m *Machine) Call(helper int32, args [5]uint64, run *Run) (uint64, error) {
	h := abi.HelperByID(helper)
	name := fmt.Sprintf("helper %d", helper)
	if h != nil {
		name = h.C
	}
	v, err := m.call(helper, h, args, run)
	var tail *TailCalled
	if err != nil && !errors.As(err, &tail) {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return v, err
}

func (m *Machine) call(id int32, h *abi.Helper, args [5]uint64, run *Run) (uint64, error) {
	if mock := m.Mock[id]; mock != nil {
		v, err := mock(args)
		if err == nil && h != nil && h.ChangesPacket {
			m.movePacket(run.Ctx, h.C)
		}
		if !errors.Is(err, ErrNotMocked) {
			return v, err
		}
	}
	if h == nil {
		return 0, errors.New("no such helper")
	}
	f := helperFuncs()[h.Name]
	if f == nil {
		return 0, &NotSimulated{}
	}
	for i, k := range h.Args {
		if k == abi.ArgCtx && args[i] != run.Ctx {
			return 0, fmt.Errorf("argument %d is %#x, not the context", i+1, args[i])
		}
	}
	v, err := f(m, run, args)
	if err == nil && h.ChangesPacket {
		m.movePacket(run.Ctx, h.C)
	}
	return v, err
}
