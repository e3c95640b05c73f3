package ir

import (
	"sync"

	"github.com/whistler-lang/whistler/internal/slab"
)

// A scratch is memory for the tables of one pass over a function, which the next
// pass has again: passes run dozens of times, and their tables are as large as
// the function.
type scratch struct {
	tables
	bytes  slab.Shelf[uint8]
	bools  slab.Shelf[bool]
	floats slab.Shelf[float64]
	words  slab.Shelf[uint64]
	values slab.Shelf[*Value]
	vlists slab.Shelf[[]*Value]
	walk   walked
}

// tables are what dominators are in.
type tables struct {
	ints   slab.Shelf[int32]
	blocks slab.Shelf[*Block]
	lists  slab.Shelf[[]*Block]
}

func (t *tables) free() {
	t.ints.Free()
	t.blocks.Free()
	t.lists.Free()
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// mem is what f has until Done.
func (f *Func) mem() *scratch {
	if f.scratch == nil {
		f.scratch = scratches.Get().(*scratch)
	}
	return f.scratch
}

// Ints, Bytes, Bools, Floats, Words, ValueTable, BlockTable and ValueLists give n of
// them, all zero. They are good until Done is called.
func (f *Func) Ints(n int) []int32        { return f.mem().ints.Take(n) }
func (f *Func) Bytes(n int) []uint8       { return f.mem().bytes.Take(n) }
func (f *Func) Bools(n int) []bool        { return f.mem().bools.Take(n) }
func (f *Func) Floats(n int) []float64    { return f.mem().floats.Take(n) }
func (f *Func) Words(n int) []uint64      { return f.mem().words.Take(n) }
func (f *Func) ValueTable(n int) []*Value { return f.mem().values.Take(n) }
func (f *Func) BlockTable(n int) []*Block { return f.mem().blocks.Take(n) }

func (f *Func) ValueLists(n int) [][]*Value { return f.mem().vlists.Take(n) }

// Done says that nobody needs what was taken, dominators and lists of blocks
// among it, any more. Who does not call it keeps what was taken.
func (f *Func) Done() {
	f.tree.done()
	s := f.scratch
	if s == nil {
		return
	}
	s.tables.free()
	s.bytes.Free()
	s.bools.Free()
	s.floats.Free()
	s.words.Free()
	s.values.Free()
	s.vlists.Free()
	s.walk.free()
	scratches.Put(s)
	f.scratch = nil
}
