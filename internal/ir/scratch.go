package ir

import "sync"

// A scratch is memory for the tables of one pass over a function, which the next
// pass has again: passes run dozens of times, and their tables are as large as
// the function.
type scratch struct {
	ints   shelf[int32]
	bytes  shelf[uint8]
	bools  shelf[bool]
	floats shelf[float64]
	words  shelf[uint64]
	values shelf[*Value]
	blocks shelf[*Block]
	lists  shelf[[]*Block]
	walk   walked
	trees  [2]DomTree
	treed  int // how many of them are in use
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// mem is what f has until Done.
func (f *Func) mem() *scratch {
	if f.scratch == nil {
		f.scratch = scratches.Get().(*scratch)
	}
	return f.scratch
}

// Ints, Bytes, Bools, Floats, Words, ValueTable and BlockTable give n of them, all zero. They are
// good until Done is called.
func (f *Func) Ints(n int) []int32        { return f.mem().ints.take(n) }
func (f *Func) Bytes(n int) []uint8       { return f.mem().bytes.take(n) }
func (f *Func) Bools(n int) []bool        { return f.mem().bools.take(n) }
func (f *Func) Floats(n int) []float64    { return f.mem().floats.take(n) }
func (f *Func) Words(n int) []uint64      { return f.mem().words.take(n) }
func (f *Func) ValueTable(n int) []*Value { return f.mem().values.take(n) }
func (f *Func) BlockTable(n int) []*Block { return f.mem().blocks.take(n) }

// tree gives room for dominators.
func (s *scratch) tree() *DomTree {
	if s.treed == len(s.trees) {
		return new(DomTree)
	}
	s.treed++
	return &s.trees[s.treed-1]
}

// Done says that nobody needs what was taken, dominators and lists of blocks
// among it, any more. Who does not call it keeps what was taken.
func (f *Func) Done() {
	s := f.scratch
	if s == nil {
		return
	}
	s.ints.free()
	s.bytes.free()
	s.bools.free()
	s.floats.free()
	s.words.free()
	s.values.free()
	s.blocks.free()
	s.lists.free()
	s.walk.free()
	s.trees, s.treed = [2]DomTree{}, 0
	scratches.Put(s)
	f.scratch = nil
}

// A shelf is memory that is given out from its start on. What has not been is zero.
type shelf[T any] struct {
	mem  []T
	used int
	want int // what was asked for, more than there was too
}

// mostShelved bounds a shelf. A pass that looks for the dominators of a large
// function many times would have all of them at once.
const mostShelved = 128 << 10

func (s *shelf[T]) take(n int) []T {
	s.want += n
	if n > len(s.mem)-s.used {
		return make([]T, n)
	}
	t := s.mem[s.used : s.used+n : s.used+n]
	s.used += n
	return t
}

func (s *shelf[T]) free() {
	clear(s.mem[:s.used])
	if s.want > len(s.mem) && len(s.mem) < mostShelved {
		s.mem = make([]T, min(s.want+s.want/4, mostShelved))
	}
	s.used, s.want = 0, 0
}
