package machine

import (
	"sync"

	"github.com/whistler-lang/whistler/internal/slab"
)

// A scratch is memory for the tables of a pass, which the next pass has again.
type scratch struct {
	ints   slab.Shelf[int32]
	masks  slab.Shelf[uint16]
	bools  slab.Shelf[bool]
	blocks slab.Shelf[*Block]
	lists  slab.Shelf[[]*Block]
	way    []step
}

var (
	scratches = sync.Pool{New: func() any { return new(scratch) }}
	blockPool = slab.Pool[Block]{AtOnce: 32}
	jumpPool  = slab.Pool[Insn]{AtOnce: 32}
	succPool  = slab.Pool[*Block]{AtOnce: 64}
)

// mem is what f has until done.
func (f *Func) mem() *scratch {
	if f.scratch == nil {
		f.scratch = scratches.Get().(*scratch)
	}
	return f.scratch
}

// done says that nobody needs the tables of a pass any more.
func (f *Func) done() {
	s := f.scratch
	if s == nil {
		return
	}
	s.ints.Free()
	s.masks.Free()
	s.bools.Free()
	s.blocks.Free()
	s.lists.Free()
	clear(s.way[:cap(s.way)])
	scratches.Put(s)
	f.scratch = nil
}

// Free gives f's blocks and branches to the functions that come: nobody may use
// them any more, nor f.
func (f *Func) Free() {
	f.made.Back(&blockPool)
	f.jumps.Back(&jumpPool)
	f.succs.Back(&succPool)
	f.Blocks = nil
}
