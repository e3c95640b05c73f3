package lisp

import (
	"sync"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/slab"
)

// A memory is what one evaluator after the other works in.
type memory struct {
	globals map[*sexp.Symbol]*global
	frames  []*frame
	stack   []Value
}

var (
	memories   sync.Pool
	recordPool = slab.Pool[global]{AtOnce: 16}
)

// What a memory may have had and be used again: globals, frames, variables of a
// frame, arguments.
const (
	mostGlobals  = 1 << 10
	mostFrames   = 1 << 7
	mostSlots    = fewSlots + 8 // see push
	mostStackCap = 1 << 12
)

// borrow gives a new evaluator its memory.
func (in *Interp) borrow() {
	m, _ := memories.Get().(*memory)
	if m == nil {
		m = &memory{globals: make(map[*sexp.Symbol]*global, 64)}
	}
	in.globals, in.frames, in.stack = m.globals, m.frames, m.stack
}

// Free gives the memory of in, its table and all data in it to the evaluators that
// come: nobody may use them any more.
func (in *Interp) Free() {
	m := &memory{in.globals, in.frames, in.stack}
	in.records.Back(&recordPool)
	in.table.Free()
	*in = Interp{}
	if len(m.globals) > mostGlobals || len(m.frames) > mostFrames || cap(m.stack) > mostStackCap {
		return
	}
	clear(m.globals)
	for _, f := range m.frames {
		s := f.s[:cap(f.s)]
		if cap(s) > mostSlots {
			s = nil
		}
		clear(s)
		*f = frame{s: s}
	}
	clear(m.stack[:cap(m.stack)])
	m.stack = m.stack[:0]
	memories.Put(m)
}
