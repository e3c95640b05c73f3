package facts

import (
	"math/bits"
	memory "sync/atomic"

	"github.com/whistler-lang/whistler/internal/ir"
)

// An arena is what an analysis makes a lot of. The next one takes it over.
type arena struct {
	vals        slab[Val]
	passages    slab[passage]
	steps       slab[step]
	checkpoints slab[checkpoint]
	places      slab[place]
	flags       slab[bool]
	ints        slab[int32]
	words       slab[uint64]
	marks       slab[*place]
	blocks      slab[*ir.Block]
	links       []int32     // see passage; behind those of one stands -1
	work        []pending   // paths to go on with
	known       []int32     // the values that vals has, in the block that is walked
	moved       []Val       // see follow
	args        []*ir.Value // see back
	free        [64][][]Val // memory of states, by its size: see sizeOf
}

// spare is the arena for the next analysis. A sync.Pool would lose it at every
// second collection, of which there is one every few compilations.
var spare memory.Pointer[arena]

// mostKept is how many things an arena may have had for the next analysis to be
// given it.
const mostKept = 1 << 13

// newArena gives one that has been used, or a new one.
func newArena() *arena {
	m := spare.Swap(nil)
	if m == nil {
		return new(arena)
	}
	m.vals.reset()
	m.passages.reset()
	m.steps.reset()
	m.checkpoints.reset()
	m.places.reset()
	m.flags.reset()
	m.ints.reset()
	m.words.reset()
	m.marks.reset()
	m.blocks.reset()
	for i := range m.free {
		m.free[i] = m.free[i][:0]
	}
	m.links, m.work, m.known, m.moved = m.links[:0], m.work[:0], m.known[:0], m.moved[:0]
	return m
}

// end makes m the next analysis's, which clears it: a process that ends here
// need not.
func (m *arena) end() {
	if m.vals.size+m.passages.size+m.steps.size <= mostKept {
		spare.Store(m)
	}
}

// newVals gives memory for the values of a state, with anything in it; oldVals
// takes back what nothing refers to any more.
func (m *arena) newVals(n int) []Val {
	if n == 0 {
		return nil
	}
	k, size := sizeOf(n)
	if list := m.free[k]; len(list) > 0 {
		m.free[k] = list[:len(list)-1]
		return list[len(list)-1][:n]
	}
	return m.vals.take(size)[:n]
}

// sizeOf gives the smallest of the sizes of states that n fits into, and which it
// is: 1, 2, 3, 4, 6, 8, 12 and so on.
func sizeOf(n int) (k, size int) {
	k = bits.Len(uint(n - 1))
	if size = 1 << k; k > 1 && n <= size/4*3 {
		return 2*k - 1, size / 4 * 3
	}
	return 2 * k, size
}

func (m *arena) oldVals(vals []Val) {
	if cap(vals) == 0 {
		return
	}
	k, _ := sizeOf(cap(vals))
	m.free[k] = append(m.free[k], vals)
}

// A slab gives memory in pieces, and takes it back all at once.
type slab[T any] struct {
	chunks [][]T
	at     int // the chunk that is given from
	used   int // of it
	top    int // the last chunk that was given from before back
	size   int // of all chunks
}

// Chunks are of so many elements: more each time.
const (
	firstChunk = 16
	lastChunk  = 512
)

// one gives an element with nothing in it.
func (s *slab[T]) one() *T {
	if s.at < len(s.chunks) {
		if c := s.chunks[s.at]; s.used < len(c) {
			s.used++
			return &c[s.used-1]
		}
	}
	return &s.take(1)[0]
}

// take gives n elements with nothing in them.
func (s *slab[T]) take(n int) []T {
	for ; s.at < len(s.chunks); s.at, s.used = s.at+1, 0 {
		if c := s.chunks[s.at]; s.used+n <= len(c) {
			s.used += n
			return c[s.used-n : s.used : s.used]
		}
	}
	c := make([]T, max(n, min(max(firstChunk, s.size/2), lastChunk)))
	s.chunks, s.used, s.size = append(s.chunks, c), n, s.size+len(c)
	return c[:n:n]
}

// A mark is how far a slab is used.
type mark struct{ at, used int }

func (s *slab[T]) mark() mark { return mark{s.at, s.used} }

// back takes back what was given since m, one by one. It is not cleared.
func (s *slab[T]) back(m mark) {
	s.top = max(s.top, s.at)
	s.at, s.used = m.at, m.used
}

func (s *slab[T]) reset() {
	for _, c := range s.chunks[:min(max(s.at, s.top)+1, len(s.chunks))] {
		clear(c)
	}
	s.at, s.used, s.top = 0, 0, 0
}
