package slab

import (
	"slices"
	"testing"
)

// TestLent: what one has given back, the next one has, and finds nothing in it.
func TestLent(t *testing.T) {
	p := Pool[int]{AtOnce: 8}
	for round := range 3 {
		var s Lent[int]
		var all []*int
		for i := range 20 {
			x := s.New(&p)
			if *x != 0 {
				t.Fatalf("round %d: number %d has %d", round, i, *x)
			}
			*x = i + 1
			all = append(all, x)
			if c := s.Copy(&p, []int{i, -i}); !slices.Equal(c, []int{i, -i}) || cap(c) != 2 {
				t.Fatalf("round %d: copy %d is %v, with room for %d", round, i, c, cap(c))
			}
		}
		if long := s.Copy(&p, make([]int, 100)); len(long) != 100 {
			t.Fatalf("a long list has %d", len(long))
		}
		for i, x := range all {
			if *x != i+1 {
				t.Fatalf("round %d: number %d has become %d", round, i, *x)
			}
		}
		s.Back(&p)
	}
}

// TestRooms: a room is empty, has the room that is asked for, and holds on to
// nothing.
func TestRooms(t *testing.T) {
	var rooms Rooms[*int]
	for n := 1; n < 100; n *= 3 {
		r := rooms.Take(n)
		if len(r.List) != 0 || cap(r.List) < n {
			t.Fatalf("for %d: %d of %d", n, len(r.List), cap(r.List))
		}
		for _, x := range r.List[:cap(r.List)] {
			if x != nil {
				t.Fatal("something of the last one's is in it")
			}
		}
		for range n {
			r.List = append(r.List, new(int))
		}
		rooms.Give(r)
	}
}

// TestLists: lists keep their order, and what is added to one while it is gone
// through is not gone through.
func TestLists(t *testing.T) {
	var rooms Rooms[Item[int]]
	l := Lists[int]{Room: rooms.Take(4), First: make([]int32, 3), Last: make([]int32, 3)}
	for i := range 10 {
		l.Add(i%2, i)
	}
	got := func(k int) (xs []int) {
		l.Each(k, func(x int) bool {
			xs = append(xs, x)
			l.Add(k, 100+x)
			return x != 5
		})
		return xs
	}
	if xs := got(0); !slices.Equal(xs, []int{0, 2, 4, 6, 8}) || *l.End(0) != 108 {
		t.Errorf("the first list is %v and ends in %d", xs, *l.End(0))
	}
	if xs := got(1); !slices.Equal(xs, []int{1, 3, 5}) {
		t.Errorf("the second list is %v up to 5", xs)
	}
	if l.End(2) != nil || l.Longer(2, 0) || got(2) != nil {
		t.Error("the third list is not empty")
	}
	if !l.Longer(1, 7) || l.Longer(1, 8) { // 5 and 3 more
		t.Error("the second list has not 8")
	}
}
