// Package warm makes a process ready for a compilation, which is over in a few
// milliseconds: most of them would go into the first touch of each page of
// memory, and into moving a stack that grows. A program imports it for that
// effect. Nothing depends on it.
package warm

import "runtime/debug"

func init() {
	// A compilation is over before the first collection, unless it is large:
	// that is faster with some than with fresh pages all along.
	debug.SetGCPercent(400)
	heap()
	stack(nil)
}

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
