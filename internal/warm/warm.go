// Package warm makes a process ready for a compilation, which is over in a few
// milliseconds: most of them would go into the first touch of each page of
// memory, and into moving a stack that grows. A command imports it, and calls
// Up first of all. The package imports little, to be among the first that are
// initialised.
package warm

func init() {
	text()
	tables()
	heap(false) // for what the others make when they are initialised
	stack(nil)
}

// Up makes room for a compilation. The next collection should be far: it would
// find much room that is not used.
func Up() { heap(true) }

// stack makes its caller's stack large while little is on it that has to be
// moved: there is room for its frame as soon as it is called.
//
//go:noinline
func stack(b *byte) {
	if b == nil {
		return
	}
	var frame [64 << 10]byte
	for i := range frame {
		frame[i] = *b
	}
	*b = frame[*b]
}
