package slab

// A Shelf is memory that is given out from its start on, until all is taken back.
// What has not been given out is zero. Its zero value is ready.
type Shelf[T any] struct {
	mem  []T
	used int
	want int // what was asked for, more than there was too
}

// MostShelved bounds a Shelf. A pass that looks for the dominators of a large
// function many times would have all of them at once.
const MostShelved = 128 << 10

// Take gives n Ts, all zero.
func (s *Shelf[T]) Take(n int) []T {
	s.want += n
	if n > len(s.mem)-s.used {
		return make([]T, n)
	}
	t := s.mem[s.used : s.used+n : s.used+n]
	s.used += n
	return t
}

// Free takes all back: nobody may use what they were.
func (s *Shelf[T]) Free() {
	clear(s.mem[:s.used])
	if s.want > len(s.mem) && len(s.mem) < MostShelved {
		s.mem = make([]T, min(s.want+s.want/4, MostShelved))
	}
	s.used, s.want = 0, 0
}
