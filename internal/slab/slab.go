// Package slab is memory that one has after the other: small things by the dozen
// (Pool), lists (Rooms, Lists) and tables (Shelf).
package slab

import (
	"slices"
	"sync"
)

// A Pool makes Ts, so many at once, for those who need them for a time: what they
// give back, others have again.
type Pool[T any] struct {
	AtOnce int
	Clean  func(*T) // makes a used T a new one; nil: it becomes zero
	free   sync.Pool
}

// Lent are the Ts of a Pool that one has who needs them.
type Lent[T any] struct {
	free  []T
	given *dozen[T] // those that are begun, the last first
	spare *dozen[T]
	n     int
}

type dozen[T any] struct {
	things []T
	next   *dozen[T]
}

// mostDozens is how many go back to a Pool at once: the memory of a giant is left
// to the collector, also before it ends.
const mostDozens = 64

// New gives a T, zero or what Clean made.
func (s *Lent[T]) New(p *Pool[T]) *T {
	if len(s.free) == 0 {
		s.more(p)
	}
	t := &s.free[0]
	s.free = s.free[1:]
	return t
}

// Take gives n of them side by side.
func (s *Lent[T]) Take(p *Pool[T], n int) []T {
	switch {
	case n == 0:
		return nil
	case n > p.AtOnce/4:
		return make([]T, n)
	case n > len(s.free):
		s.more(p)
	}
	t := s.free[:n:n]
	s.free = s.free[n:]
	return t
}

// Copy gives room for what is in list, with that in it.
func (s *Lent[T]) Copy(p *Pool[T], list []T) []T {
	t := s.Take(p, len(list))
	copy(t, list)
	return t
}

// Append adds x to list, which may move.
func (s *Lent[T]) Append(p *Pool[T], list []T, x T) []T {
	if n := len(list); n == cap(list) {
		list = append(s.Take(p, max(2, 2*n))[:0], list...)
	}
	return append(list, x)
}

func (s *Lent[T]) more(p *Pool[T]) {
	if s.spare == nil {
		s.spare, _ = p.free.Get().(*dozen[T])
	}
	d := s.spare
	if d == nil {
		d = &dozen[T]{things: make([]T, p.AtOnce)}
	}
	s.spare = d.next
	if s.n++; s.n > mostDozens {
		s.given = nil // they will not go back
	} else {
		d.next, s.given = s.given, d
	}
	s.free = d.things
}

// Back gives all back to p: nobody may use what they were.
func (s *Lent[T]) Back(p *Pool[T]) {
	if s.n <= mostDozens {
		for d := s.given; d != nil; d = s.given {
			if p.Clean == nil {
				clear(d.things)
			} else {
				for i := range d.things {
					p.Clean(&d.things[i])
				}
			}
			s.given = d.next
			d.next, s.spare = s.spare, d
		}
		if s.spare != nil {
			p.free.Put(s.spare)
		}
	}
	*s = Lent[T]{}
}

// Rooms are lists that one after the other fills. Its zero value is ready.
type Rooms[T any] struct{ free sync.Pool }

// A Room is an empty list.
type Room[T any] struct {
	List []T
	over bool // something was begun behind List that did not fit
}

// largeRoom is how many Ts a list may have room for and be kept.
const largeRoom = 1 << 16

// Take gives one with room for n, to go back by Give, List as long as it has become.
func (r *Rooms[T]) Take(n int) *Room[T] {
	m, _ := r.free.Get().(*Room[T])
	if m == nil {
		m = new(Room[T])
	}
	if cap(m.List) < n {
		m.List = make([]T, 0, n+n/4)
	}
	return m
}

// Give gives m back. It keeps nothing in memory that List had.
func (r *Rooms[T]) Give(m *Room[T]) {
	if cap(m.List) > largeRoom {
		return
	}
	if m.over {
		m.List, m.over = m.List[:cap(m.List)], false
	}
	clear(m.List)
	m.List = m.List[:0]
	r.free.Put(m)
}

// Rest is the room behind List, to append to; Keep makes what has become of that
// a part of List, where it has fit, and gives it without more room.
func (m *Room[T]) Rest() []T { return m.List[len(m.List):] }

func (m *Room[T]) Keep(part []T) []T {
	if n := len(m.List) + len(part); n <= cap(m.List) {
		m.List = m.List[:n]
	} else {
		m.over = true
	}
	return slices.Clip(part)
}
