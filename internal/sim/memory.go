// Package sim is the kernel as a BPF program sees it, in user space: memory,
// contexts, maps and helpers. The machine of bpf/vm and the interpreter of
// ir/interp both run on it, so that a program meets the same kernel at every
// stage of its compilation.
//
// Addresses are invented and lie far apart; every access is checked. Nothing
// here asks the host for anything: time, random numbers and processors are
// what the Machine's fields say.
package sim

import (
	"fmt"
	"sort"
)

// Kind is what a region of memory is.
type Kind uint8

// The kinds of regions.
const (
	KindMemory  Kind = iota // memory that a test lends: a kernel structure, user memory
	KindStack               // the stack of one function
	KindContext             // the program's context
	KindPacket              // packet data, metadata before it included
	KindValue               // a map value
	KindKey                 // a key handed to a callback
	KindRecord              // a reserved ring-buffer record
	KindGlobal              // .data, .rodata or .bss
	KindMap                 // a map itself: an address without memory behind it
	KindCode                // a function: likewise
)

// A Region is a piece of memory that the program may have pointers to.
type Region struct {
	Kind     Kind
	Name     string // as errors call it: "the value of map counts"
	Base     uint64
	Bytes    []byte
	Writable bool
	gone     string // why pointers to it are stale, "" while it lives
	written  []bool // stack: which bytes have a value
	owner    any    // *Map, *cell, *context or *record that it belongs to
}

// Live reports whether the region may still be used.
func (r *Region) Live() bool { return r.gone == "" }

// A Fault is an access to memory that the kernel's verifier would not have
// permitted.
type Fault struct {
	Addr  uint64
	Size  int
	Write bool
	Why   string
}

func (f *Fault) Error() string {
	what := "read"
	if f.Write {
		what = "write"
	}
	return fmt.Sprintf("%s of %s at %#x: %s", what, count(f.Size, "byte"), f.Addr, f.Why)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Regions begin at multiples of align and have at least gap unused bytes
// before and behind them, so that a pointer that ran out of one is not in
// another. The first address is above 4 GiB: a pointer cut to 32 bits is none.
const (
	firstBase = 0x1000_0000_0000
	align     = 1 << 12
	gap       = 1 << 20
)

// memory is the list of all regions by address.
type memory struct {
	regions []*Region
	next    uint64
	last    *Region // where the last access went
	dead    int
}

// alloc makes a region of b. Later regions have higher addresses.
func (m *memory) alloc(kind Kind, name string, b []byte, writable bool) *Region {
	if m.next == 0 {
		m.next = firstBase
	}
	r := &Region{Kind: kind, Name: name, Base: m.next, Bytes: b, Writable: writable}
	m.next += (uint64(len(b))+align-1)&^(align-1) + gap
	m.regions = append(m.regions, r)
	return r
}

// free makes r's pointers stale.
func (m *memory) free(r *Region, why string) {
	if r == nil || !r.Live() {
		return
	}
	r.gone = why
	m.dead++
	// The newest region goes at once: stacks of callbacks come and go by the thousand.
	if n := len(m.regions) - 1; r.Kind == KindStack && m.regions[n] == r {
		m.regions = m.regions[:n]
		m.dead--
		m.last = nil
	}
}

// sweep forgets the dead.
func (m *memory) sweep() {
	if m.dead == 0 {
		return
	}
	live := m.regions[:0]
	for _, r := range m.regions {
		if r.Live() {
			live = append(live, r)
		}
	}
	clear(m.regions[len(live):])
	m.regions, m.dead, m.last = live, 0, nil
}

// near is the region that addr lies in, or the one that it ran out of; nil
// if it is nowhere near any.
func (m *memory) near(addr uint64) *Region {
	if r := m.last; r != nil && addr >= r.Base && addr-r.Base < uint64(len(r.Bytes)) {
		return r
	}
	i := sort.Search(len(m.regions), func(i int) bool { return m.regions[i].Base > addr })
	if i > 0 {
		r := m.regions[i-1]
		if addr-r.Base < uint64(len(r.Bytes))+gap/2 {
			m.last = r
			return r
		}
	}
	if i < len(m.regions) && m.regions[i].Base-addr <= gap/2 {
		return m.regions[i]
	}
	return nil
}

// at finds the region of n bytes at addr and the offset in it.
func (m *memory) at(addr uint64, n int, write bool) (*Region, int, error) {
	fault := func(format string, args ...any) (*Region, int, error) {
		return nil, 0, &Fault{addr, n, write, fmt.Sprintf(format, args...)}
	}
	if addr < align {
		if addr == 0 {
			return fault("null pointer")
		}
		return fault("null pointer plus %d", addr)
	}
	r := m.near(addr)
	if r == nil {
		return fault("there is no memory")
	}
	off := int64(addr - r.Base)
	past := off + int64(n) - int64(len(r.Bytes))
	switch {
	case r.Kind == KindMap || r.Kind == KindCode:
		return fault("%s is not memory", r.Name)
	case n < 0:
		return fault("negative size")
	case !r.Live():
		return fault("%s is gone: %s", r.Name, r.gone)
	case off < 0:
		return fault("%s before the start of %s", count(int(-off), "byte"), r.Name)
	case past > 0 && r.Kind == KindStack:
		return fault("offset %d ends %s above the top of %s", off, count(int(past), "byte"), r.Name)
	case past > 0:
		return fault("offset %d ends %s past the end of %s (%s)", off, count(int(past), "byte"), r.Name, count(len(r.Bytes), "byte"))
	case write && !r.Writable:
		return fault("%s is read-only", r.Name)
	}
	return r, int(off), nil
}

// Load reads size bytes (1, 2, 4 or 8), least significant first. A load of a
// context field that holds a pointer gives all 64 bits of it.
func (m *memory) Load(addr uint64, size int) (uint64, error) {
	r, off, err := m.at(addr, size, false)
	if err != nil {
		return 0, err
	}
	if c, ok := r.owner.(*context); ok {
		if v, done, err := c.load(off, size); done || err != nil {
			return v, faultAt(err, addr, size, false)
		}
	}
	if err := r.checkStack(addr, off, size, true); err != nil {
		return 0, err
	}
	var v uint64
	for i := size - 1; i >= 0; i-- {
		v = v<<8 | uint64(r.Bytes[off+i])
	}
	return v, nil
}

// Store writes the low size bytes of v.
func (m *memory) Store(addr uint64, size int, v uint64) error {
	r, off, err := m.at(addr, size, true)
	if err != nil {
		return err
	}
	if c, ok := r.owner.(*context); ok {
		if v, err = c.stored(off, size, v); err != nil {
			return faultAt(err, addr, size, true)
		}
	}
	if r.written != nil {
		if addr%uint64(size) != 0 {
			return &Fault{addr, size, true, fmt.Sprintf("offset %d is not aligned in %s", off, r.Name)}
		}
		for i := range size {
			r.written[off+i] = true
		}
	}
	for i := range size {
		r.Bytes[off+i] = byte(v >> (8 * i))
	}
	return nil
}

// checkStack finds bytes that have no value yet, and single accesses that
// the verifier refuses because they are not aligned.
func (r *Region) checkStack(addr uint64, off, n int, aligned bool) error {
	if r.written == nil {
		return nil
	}
	if aligned && addr%uint64(n) != 0 {
		return &Fault{addr, n, false, fmt.Sprintf("offset %d is not aligned in %s", off, r.Name)}
	}
	for i := off; i < off+n; i++ {
		if !r.written[i] {
			return &Fault{addr, n, false, fmt.Sprintf("byte %d of %s was never written", i, r.Name)}
		}
	}
	return nil
}

func faultAt(err error, addr uint64, size int, write bool) error {
	if err == nil {
		return nil
	}
	return &Fault{addr, size, write, err.Error()}
}

// Bytes is the n bytes at addr, which must all have been written. They are
// the memory itself, not a copy: do not change them.
func (m *memory) Bytes(addr uint64, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	r, off, err := m.at(addr, n, false)
	if err != nil {
		return nil, err
	}
	if r.Kind == KindContext {
		return nil, &Fault{addr, n, false, "a helper cannot read " + r.Name + " as memory"}
	}
	if err := r.checkStack(addr, off, n, false); err != nil {
		return nil, err
	}
	return r.Bytes[off : off+n : off+n], nil
}

// Room is the n bytes at addr for the caller to write, all of them.
func (m *memory) Room(addr uint64, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	r, off, err := m.at(addr, n, true)
	if err != nil {
		return nil, err
	}
	if r.Kind == KindContext {
		return nil, &Fault{addr, n, true, "a helper cannot write " + r.Name + " as memory"}
	}
	if r.written != nil {
		for i := off; i < off+n; i++ {
			r.written[i] = true
		}
	}
	return r.Bytes[off : off+n : off+n], nil
}

// NewStack makes a stack of size bytes that have no value yet. Its top is
// Base plus size.
func (m *memory) NewStack(size int, name string) *Region {
	r := m.alloc(KindStack, name, make([]byte, size), true)
	r.written = make([]bool, size)
	return r
}

// Free makes all pointers into r stale.
func (m *memory) Free(r *Region, why string) { m.free(r, why) }

// NewMemory lends b to the program: a kernel structure that a context or a
// mocked helper points to, or memory of the user's process. The program's
// writes go to b.
func (m *memory) NewMemory(name string, b []byte, writable bool) uint64 {
	return m.alloc(KindMemory, name, b, writable).Base
}

// ResetStack takes all values out of the stack whose lowest byte is at base.
func (m *memory) ResetStack(base uint64) {
	if r := m.near(base); r != nil && r.Kind == KindStack {
		clear(r.written)
	}
}
