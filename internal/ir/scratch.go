package ir

// A scratch is memory of a function for the tables of one pass, which the next
// pass has again. Passes run dozens of times, and their tables are as large as
// the function.
type scratch struct {
	ints   shelf[int32]
	bytes  shelf[uint8]
	bools  shelf[bool]
	blocks shelf[*Block]
	lists  shelf[[]*Block]
}

// Ints, Bytes, Bools and BlockTable give n of them, all zero. They are good until
// Done is called.
func (f *Func) Ints(n int) []int32        { return f.scratch.ints.take(n) }
func (f *Func) Bytes(n int) []uint8       { return f.scratch.bytes.take(n) }
func (f *Func) Bools(n int) []bool        { return f.scratch.bools.take(n) }
func (f *Func) BlockTable(n int) []*Block { return f.scratch.blocks.take(n) }

// Done says that nobody needs what was taken, dominators and lists of blocks
// among it, any more. Who does not call it keeps what was taken.
func (f *Func) Done() {
	s := &f.scratch
	s.ints.free()
	s.bytes.free()
	s.bools.free()
	s.blocks.free()
	s.lists.free()
}

// A shelf is memory that is given out from its start on.
type shelf[T any] struct {
	mem  []T
	used int
	want int // what was asked for, more than there was too
}

// mostShelved bounds a shelf. A pass that looks for the dominators of a large
// function many times would have all of them at once.
const mostShelved = 16 << 10

func (s *shelf[T]) take(n int) []T {
	s.want += n
	if n > len(s.mem)-s.used {
		return make([]T, n)
	}
	t := s.mem[s.used : s.used+n : s.used+n]
	s.used += n
	clear(t)
	return t
}

func (s *shelf[T]) free() {
	if s.want > len(s.mem) && len(s.mem) < mostShelved {
		s.mem = make([]T, min(s.want+s.want/4, mostShelved))
	}
	s.used, s.want = 0, 0
}
