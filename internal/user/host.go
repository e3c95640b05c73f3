package user

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Host runs programs for a test, and has the maps and variables that they
// share from run to run: the virtual machine, or the kernel. Values of a
// per-CPU map are one for each processor.
type Host interface {
	Run(p *lang.Program, in Input) (*Outcome, error)

	Lookup(m *lang.Map, key []byte) (values [][]byte, found bool, err error)
	Update(m *lang.Map, key []byte, values [][]byte) error // a single value is for all processors
	Delete(m *lang.Map, key []byte) (found bool, err error)
	Keys(m *lang.Map) ([][]byte, error)
	SetProgram(m *lang.Map, index uint32, p *lang.Program) error

	Push(m *lang.Map, value []byte) error
	Pop(m *lang.Map) (value []byte, found bool, err error)
	Drain(m *lang.Map) ([][]byte, error) // the records of a ring or perf buffer, in order

	Global(g *lang.Global) ([]byte, error)
	SetGlobal(g *lang.Global, value []byte) error

	CPUs() int
	Close()
}

// An Input is what a program runs on.
type Input struct {
	Packet []byte            // nil: none
	Fields map[string]uint64 // of the context, by C names; of a tracepoint's record those that are numbers
	Texts  map[string][]byte // of a tracepoint's record, those that are bytes
	Args   []uint64          // of a function that is traced, or of a raw tracepoint
	Result *uint64           // of a function that has returned
	CPU    int
	Repeat int // 1 or more
}

// An Outcome is what came of a run.
type Outcome struct {
	Result  uint32
	Packet  []byte
	Field   func(name string) (uint64, bool) // of the context, by C name
	Printed []string                         // with printk
}

// Unsupported is the error of a host that cannot do something: the test is
// skipped, and says why.
type Unsupported struct{ What string }

func (u *Unsupported) Error() string { return u.What }

// A Fault is a run that went wrong inside of the program, where that is known.
type Fault struct {
	Pos source.Pos
	Err error
}

func (f *Fault) Error() string { return fmt.Sprintf("the program went wrong: %v", f.Err) }

func (f *Fault) Unwrap() error { return f.Err }
