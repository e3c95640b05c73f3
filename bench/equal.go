//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// mutations is the number of random inputs that are added to those of a pair.
const mutations = 300

// pin keeps the calling goroutine on one CPU, so that per-CPU maps and
// processor numbers agree.
func pin(cpu int) error {
	runtime.LockOSThread()
	var set unix.CPUSet
	set.Set(cpu)
	return unix.SchedSetaffinity(0, &set)
}

// allInputs are those of the pair and variants of them: the same ones in
// every run.
func (p *pair) allInputs() []input {
	all := slices.Clone(p.inputs)
	r := rand.New(rand.NewPCG(1, 2))
	for range mutations {
		in := p.inputs[r.IntN(len(p.inputs))]
		if in.args != nil {
			in.args = mutate(r, in.args, len(in.args))
		} else {
			in.packet = mutate(r, in.packet, 14)
		}
		all = append(all, in)
	}
	return all
}

// mutate changes a few bytes, or cuts what is behind the first least bytes.
func mutate(r *rand.Rand, b []byte, least int) []byte {
	b = slices.Clone(b)
	for range r.IntN(3) {
		i := r.IntN(min(len(b), 100))
		switch r.IntN(4) {
		case 0:
			b[i] = byte(r.Uint32())
		case 1:
			b[i] ^= 1 << r.IntN(8)
		case 2:
			b[i]++
		case 3:
			b[i] = []byte{0, 1, 5, 6, 17, 53, 0x45, 0x46, 0x80, 0xff}[r.IntN(10)]
		}
	}
	if r.IntN(4) == 0 && len(b) > least {
		b = b[:least+r.IntN(len(b)-least)]
	}
	return b
}

// prepare loads an object and fills its maps.
func (p *pair) prepare(file string) (*object, error) {
	o, err := open(file, p.constants)
	if err != nil {
		return nil, err
	}
	if p.setup != nil {
		if err := p.setup(o); err != nil {
			o.close()
			return nil, err
		}
	}
	return o, nil
}

// behaviour is what can be seen of an object: the result of each input, then
// what is in the maps.
func (p *pair) behaviour(file string) (seen []string, err error) {
	o, err := p.prepare(file)
	if err != nil {
		return nil, err
	}
	defer o.close()
	switch {
	case p.events != nil:
		if seen, err = p.events(p, o); err != nil {
			return nil, err
		}
	case p.inputs != nil:
		for i, in := range p.allInputs() {
			seen = append(seen, fmt.Sprintf("input %d, %d bytes %x: %v", i, len(in.packet), in.packet, o.run(p.program, in)))
		}
	default:
		return nil, nil
	}
	state, err := o.state(p.masks)
	return append(seen, state...), err
}

// compare gives the first difference between the behaviours of two objects.
func (p *pair) compare(want, got string) error {
	a, err := p.behaviour(want)
	if err != nil {
		return fmt.Errorf("%s: %w", want, err)
	}
	b, err := p.behaviour(got)
	if err != nil {
		return fmt.Errorf("%s: %w", got, err)
	}
	for i := range max(len(a), len(b)) {
		x, y := "nothing", "nothing"
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Errorf("%s and %s differ:\n  %s\n  %s", want, got, x, y)
		}
	}
	return nil
}

// how tells in what way the two sides of a pair are compared.
func (p *pair) how() string {
	switch {
	case p.events != nil:
		return "real events"
	case p.inputs != nil:
		return fmt.Sprintf("%d inputs", len(p.inputs)+mutations)
	}
	return "loaded only"
}
