// Package live runs the tests of package user in the kernel: each test loads
// the object anew, and programs run by BPF_PROG_TEST_RUN.
package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/packet"
	"github.com/whistler-lang/whistler/internal/user"
	"github.com/whistler-lang/whistler/load"
)

// A host is an object in the kernel.
type host struct {
	coll  *load.Collection
	rings map[string]reader
	cpus  int

	links    []*link
	defaults load.Targets // where to attach what does not say where
}

// New loads an object.
func New(r *compile.Result) (user.Host, error) {
	for _, m := range r.Unit.Maps {
		if m.PinByName {
			return nil, &user.Unsupported{What: fmt.Sprintf("the map %s is pinned by its name, which other programs may share", m.Name)}
		}
	}
	return open(r, load.Options{})
}

// Open loads an object for sessions.
func Open(r *compile.Result, o load.Options, defaults load.Targets) (user.Live, error) {
	h, err := open(r, o)
	if err != nil {
		return nil, err
	}
	h.defaults = defaults
	return h, nil
}

func open(r *compile.Result, o load.Options) (*host, error) {
	n, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, err
	}
	coll, err := load.OpenWith(r.Object, o)
	if err != nil {
		return nil, err
	}
	h := &host{coll: coll, rings: map[string]reader{}, cpus: n}
	for _, m := range r.Unit.Maps {
		var rd reader
		switch m.Type.Keyword {
		case "ringbuf":
			rd, err = openRing(coll.Map(m.C))
		case "perf-event-array":
			rd, err = openPerf(coll.Map(m.C))
		default:
			continue
		}
		if err != nil {
			h.Close()
			return nil, fmt.Errorf("map %s: %w", m.Name, err)
		}
		h.rings[m.C] = rd
	}
	return h, nil
}

// Close unloads it.
func (h *host) Close() {
	for _, r := range h.rings {
		r.close()
	}
	h.coll.Close()
}

// CPUs is how many values an entry of a per-CPU map has.
func (h *host) CPUs() int { return h.cpus }

// Run runs a program by a test run of the kernel.
func (h *host) Run(p *lang.Program, in user.Input) (*user.Outcome, error) {
	no := func(format string, args ...any) (*user.Outcome, error) {
		return nil, &user.Unsupported{What: fmt.Sprintf(format, args...)}
	}
	t := p.Type
	prog := h.coll.Program(p.C)
	if prog == nil {
		return nil, fmt.Errorf("the object has no program %s", p.C)
	}
	opts := &ebpf.RunOptions{Repeat: uint32(max(1, in.Repeat))}
	o := &user.Outcome{Field: func(string) (uint64, bool) { return 0, false }}
	var link []byte
	switch {
	case t.Packet || t.SKB:
		if in.Packet == nil {
			return nil, fmt.Errorf("a %s program runs on a packet: give it :packet", t.Keyword)
		}
		if len(in.Fields) > 0 && !t.SKB {
			return no("the kernel's test run takes no context for %s programs here", t.Keyword)
		}
		link = packet.LinkHeader(t, in.Packet)
		if len(link)+len(in.Packet) < int(abi.HeaderByName("eth").Size) {
			return no("the kernel's test run takes no packet of %d bytes", len(in.Packet))
		}
		opts.Data = append(link, in.Packet...)
		opts.DataOut = make([]byte, len(opts.Data)+512)
		if layout := abi.CtxStructByName(t.Ctx); t.SKB && layout != nil {
			b, err := contextBytes(layout, in.Fields)
			if err != nil {
				return nil, err
			}
			if len(in.Fields) > 0 {
				opts.Context = b
			}
			out := make([]byte, layout.Size)
			opts.ContextOut = out
			o.Field = func(name string) (uint64, bool) {
				f := layout.Field(name)
				if f == nil || f.Kind != abi.CtxScalar {
					return 0, false
				}
				return packet.Little(out[f.Offset : f.Offset+f.Size]), true
			}
		}
	case t.Keyword == "raw-tracepoint":
		var b []byte
		for _, a := range in.Args {
			b = binary.NativeEndian.AppendUint64(b, a)
		}
		if b != nil {
			opts.Context = b
		}
		opts.Repeat = 0
	case t.Keyword == "syscall":
		opts.Repeat = 0
	default:
		return no("the kernel has no test run for %s programs", t.Keyword)
	}
	if t.Keyword == "raw-tracepoint" && in.Repeat > 1 {
		return no("the kernel runs %s programs once", t.Keyword)
	}
	var v uint32
	var err error
	if e := onCPU(in.CPU, func() { v, err = prog.Run(opts) }); e != nil {
		return nil, e
	}
	if errors.Is(err, ebpf.ErrNotSupported) {
		return no("the kernel has no test run for %s programs", t.Keyword)
	}
	if err != nil {
		return nil, fmt.Errorf("the kernel's test run of %s: %w", p.Name, err)
	}
	o.Result = v
	if opts.DataOut != nil && len(opts.DataOut) >= len(link) {
		o.Packet = opts.DataOut[len(link):]
	}
	return o, nil
}

// contextBytes is a context of these fields.
func contextBytes(layout *abi.CtxStruct, fields map[string]uint64) ([]byte, error) {
	b := make([]byte, layout.Size)
	for name, v := range fields {
		base, rest, indexed := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		index := uint32(0)
		if indexed {
			if _, err := fmt.Sscan(rest, &index); err != nil {
				return nil, fmt.Errorf("bad index in %s", name)
			}
		}
		f := layout.Field(base)
		if f == nil || index >= f.Count {
			return nil, fmt.Errorf("struct %s has no field %s", layout.Name, name)
		}
		if f.Kind != abi.CtxScalar {
			return nil, &user.Unsupported{What: fmt.Sprintf("the kernel's test run takes no pointer for %s", name)}
		}
		for i := range f.Size {
			b[f.Offset+index*f.Size+i] = byte(v >> (8 * i))
		}
	}
	return b, nil
}

func perCPU(m *lang.Map) bool { return m.Type.PerCPU }

// Lookup gives the values of a key.
func (h *host) Lookup(m *lang.Map, key []byte) (vs [][]byte, found bool, err error) {
	mp := h.coll.Map(m.C)
	if perCPU(m) {
		err = mp.Lookup(key, &vs)
		for i := range vs {
			vs[i] = vs[i][:m.ValueSize]
		}
	} else {
		var v []byte
		err = mp.Lookup(key, &v)
		vs = [][]byte{v}
	}
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil, false, nil
	}
	return vs, err == nil, err
}

// Update sets them.
func (h *host) Update(m *lang.Map, key []byte, values [][]byte) error {
	mp := h.coll.Map(m.C)
	if !perCPU(m) {
		return mp.Put(key, values[0])
	}
	all := values
	for len(all) < h.cpus {
		all = append(all, values[0])
	}
	return mp.Put(key, all[:h.cpus])
}

// Delete removes an entry.
func (h *host) Delete(m *lang.Map, key []byte) (bool, error) {
	err := h.coll.Map(m.C).Delete(key)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Keys lists the keys.
func (h *host) Keys(m *lang.Map) (keys [][]byte, err error) {
	mp := h.coll.Map(m.C)
	var key []byte
	for {
		var next []byte
		var from any
		if key != nil {
			from = key
		}
		if err := mp.NextKey(from, &next); err != nil {
			if errors.Is(err, ebpf.ErrKeyNotExist) {
				return keys, nil
			}
			return nil, err
		}
		keys = append(keys, next)
		key = next
	}
}

// SetProgram fills a slot of a prog-array.
func (h *host) SetProgram(m *lang.Map, index uint32, p *lang.Program) error {
	return h.coll.Map(m.C).Put(index, h.coll.Program(p.C))
}

// Push adds to a queue, stack or bloom filter.
func (h *host) Push(m *lang.Map, value []byte) error { return h.coll.Map(m.C).Put(nil, value) }

// Pop takes out of a queue or stack.
func (h *host) Pop(m *lang.Map) ([]byte, bool, error) {
	var v []byte
	err := h.coll.Map(m.C).LookupAndDelete(nil, &v)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil, false, nil
	}
	return v, err == nil, err
}

// Drain takes the records out of a ring or perf buffer.
func (h *host) Drain(m *lang.Map) ([][]byte, error) {
	r := h.rings[m.C]
	if r == nil {
		return nil, fmt.Errorf("the map %s carries no records", m.Name)
	}
	var all [][]byte
	for {
		some, err := r.take(0)
		if all = append(all, some...); err != nil || len(some) < most {
			return all, err
		}
	}
}

// Global is the value of a variable.
func (h *host) Global(g *lang.Global) ([]byte, error) {
	v := h.coll.Spec.Variables[g.C]
	mp := h.coll.Map(g.Section())
	if v == nil || mp == nil {
		return nil, fmt.Errorf("no program uses the variable %s, and the object has none", g.Name)
	}
	var all []byte
	if err := mp.Lookup(uint32(0), &all); err != nil {
		return nil, err
	}
	return all[v.Offset : v.Offset+v.Size()], nil
}

// SetGlobal sets it.
func (h *host) SetGlobal(g *lang.Global, value []byte) error {
	v := h.coll.Spec.Variables[g.C]
	mp := h.coll.Map(g.Section())
	if v == nil || mp == nil {
		return fmt.Errorf("no program uses the variable %s, and the object has none", g.Name)
	}
	if g.Const {
		return &user.Unsupported{What: fmt.Sprintf("the constant variable %s cannot be set once the object is loaded", g.Name)}
	}
	var all []byte
	if err := mp.Lookup(uint32(0), &all); err != nil {
		return err
	}
	copy(all[v.Offset:v.Offset+v.Size()], value)
	return mp.Put(uint32(0), all)
}
