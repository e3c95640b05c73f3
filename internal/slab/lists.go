package slab

// Lists are lists of Ts that have numbers, in the order in which they are added.
type Lists[T any] struct {
	Room        *Room[Item[T]] // of all of them
	First, Last []int32        // by list: where it begins and ends in the room, plus one; all 0 at first
}

// An Item is one of a list.
type Item[T any] struct {
	x    T
	next int32 // as First
}

// Add puts x at the end of list k.
func (l *Lists[T]) Add(k int, x T) {
	l.Room.List = append(l.Room.List, Item[T]{x: x})
	n := int32(len(l.Room.List))
	if end := l.Last[k]; end > 0 {
		l.Room.List[end-1].next = n
	} else {
		l.First[k] = n
	}
	l.Last[k] = n
}

// End is the last one of list k, nil if that is empty.
func (l *Lists[T]) End(k int) *T {
	if end := l.Last[k]; end > 0 {
		return &l.Room.List[end-1].x
	}
	return nil
}

// Each calls do with those that are in list k now, until it says false.
func (l *Lists[T]) Each(k int, do func(T) bool) {
	end := l.Last[k]
	for i := l.First[k]; i > 0; {
		item := l.Room.List[i-1]
		if !do(item.x) || i == end {
			return
		}
		i = item.next
	}
}

// Longer reports whether list k has more than n.
func (l *Lists[T]) Longer(k, n int) bool {
	l.Each(k, func(T) bool { n--; return n >= 0 })
	return n < 0
}
