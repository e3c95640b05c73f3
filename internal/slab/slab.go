// Package slab allocates small things by the dozen, which takes less time than
// one by one. What is in use keeps those that were made with it in memory.
package slab

// Of gives new Ts, zero. Its zero value is ready.
type Of[T any] struct {
	free []T
	last int // how many were made at once
}

// New gives one. At most so many are made at once: fewer at first.
func (s *Of[T]) New(most int) *T {
	if len(s.free) == 0 {
		s.last = min(2*s.last+4, most)
		s.free = make([]T, s.last)
	}
	t := &s.free[0]
	s.free = s.free[1:]
	return t
}
