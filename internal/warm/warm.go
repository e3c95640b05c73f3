// Package warm makes a process ready for a compilation, which is over in a few
// milliseconds: most of them would go into the first touch of each page of
// memory, and into moving a stack that grows. A command imports it. The package
// imports next to nothing, to be among the first that are initialised.
package warm

import _ "unsafe" // for linkname

func init() {
	text()
	tables()
	// A compilation is over before the first collection, unless it is large:
	// that is faster with some than with fresh pages all along. And heap takes
	// room of which a collection would find that nobody uses it.
	setGCPercent(400)
	heap()
	stack(nil)
}

// setGCPercent is debug.SetGCPercent, whose package has to wait for many others.
//
//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(percent int32) (before int32)

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
