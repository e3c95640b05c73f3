//go:build linux

package main

// A pair is a program written twice: c/NAME.c and lisp/NAME.lisp.
type pair struct {
	name    string
	program string // that gets the inputs
	setup   func(o *object) error
	// constants are set when loading.
	constants map[string]any
	// inputs are run one after the other, with maps in common.
	inputs []input
	// events makes real events where the kernel has no test run, and tells
	// what came of them.
	events func(p *pair, o *object) ([]string, error)
	masks  []mask
	// timed is the input whose run is measured; nil is the first.
	timed *input
	// repeats is how often the timed input may be run in a row, where the
	// program changes the packet or fills a ring; 0 is any number.
	repeats int
}

// An input is a packet, or the arguments of a raw tracepoint.
type input struct {
	packet, args []byte
}

func packets(frames ...[]byte) (in []input) {
	for _, f := range frames {
		in = append(in, input{packet: f})
	}
	return in
}

func entriesOf(name string, entries ...[]byte) func(*object) error {
	return func(o *object) error { return o.fill(name, entries...) }
}

func all(steps ...func(*object) error) func(*object) error {
	return func(o *object) error {
		for _, s := range steps {
			if err := s(o); err != nil {
				return err
			}
		}
		return nil
	}
}

// filler is a payload of n bytes.
func filler(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + 3)
	}
	return b
}
