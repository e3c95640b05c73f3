// Package difftest runs a source in four ways and compares what comes out:
// the function as it was lowered and as the optimiser left it, in the IR's
// interpreter; the instructions in the VM; and the object in the kernel.
package difftest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/bpf/vm"
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/ir/interp"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/obj"
	"github.com/whistler-lang/whistler/internal/packet"
	"github.com/whistler-lang/whistler/internal/sim"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/load"
)

// An Outcome is what a run left behind.
type Outcome struct {
	Result uint32
	Packet []byte
	Maps   map[string][]string // entries as text, sorted, by the map's name
	Events map[string][]string // records of ring buffers, in hex
	Fields []string            // what became of the context's fields that the step set
}

// String is the outcome as text, for comparing and for people.
func (o *Outcome) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "result %d\npacket %x\n", o.Result, o.Packet)
	if len(o.Fields) > 0 {
		fmt.Fprintf(&b, "fields %s\n", strings.Join(o.Fields, " "))
	}
	for _, what := range []struct {
		word string
		m    map[string][]string
	}{{"map", o.Maps}, {"events", o.Events}} {
		var names []string
		for n := range what.m {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			fmt.Fprintf(&b, "%s %s: %s\n", what.word, n, strings.Join(what.m[n], ", "))
		}
	}
	return b.String()
}

// A Unit is a source compiled for comparison.
type Unit struct {
	Result  *compile.Result
	lowered map[string]*ir.Func // by the program's object name
	final   map[string]*ir.Func
	passed  []version // what every pass left, where the unit was compiled for CheckPasses
}

// Compile compiles text and keeps the functions of two stages.
func Compile(name, text string, off map[string]bool, cpu int) (*Unit, error) {
	return compileWith(name, text, off, options(cpu))
}

func options(cpu int) lang.Options { return lang.Options{CPU: cpu, Arch: "amd64"} }

func compileWith(name, text string, off map[string]bool, lo lang.Options) (*Unit, error) {
	return compileStages(name, text, off, lo, stages{})
}

// stages says how a source is compiled: keeping what every pass has left, as
// if there were too many paths for the verifier, and with short blocks ordered too.
type stages struct{ each, count, short bool }

func compileStages(name, text string, off map[string]bool, lo lang.Options, how stages) (*Unit, error) {
	u := &Unit{lowered: map[string]*ir.Func{}, final: map[string]*ir.Func{}}
	var bad error
	keep := func(m map[string]*ir.Func, what fmt.Stringer) *ir.Func {
		text := what.String()
		f, err := ir.Parse(text)
		if err != nil {
			bad = fmt.Errorf("the text of a function does not read back: %v\n%v", err, what)
			return ir.NewFunc("")
		}
		if f.String() != text {
			bad = fmt.Errorf("a function reads back as another:\n%v\n%v", what, f)
		}
		m[f.Name] = f
		return f
	}
	o := compile.Options{Options: lo, Off: off, Count: how.count, Short: how.short,
		Trace: func(program, stage string, what fmt.Stringer) {
			pass, after := strings.CutPrefix(stage, "after ")
			switch {
			case stage == "lowered":
				keep(u.lowered, what)
			case pass == "lower":
				u.passed = append(u.passed, version{pass, keep(u.final, what)})
			case after && how.each:
				u.passed = append(u.passed, version{pass, what.(*ir.Func).Clone()})
			}
		}}
	r, errs := compile.Compile([]*source.File{source.NewFile(name, text)}, o)
	if len(errs.Errors()) > 0 {
		return nil, errs
	}
	u.Result = r
	// What nobody looks at while it is compiled takes over the memory of what was
	// compiled before.
	o.Trace = nil
	plain, errs := compile.Compile([]*source.File{source.NewFile(name, text)}, o)
	if bad == nil && (len(errs.Errors()) > 0 || !bytes.Equal(plain.Object, r.Object)) {
		bad = fmt.Errorf("without a trace it is another object: %v", errs)
	}
	return u, bad
}

// machine makes a simulated kernel with the unit's maps.
func (u *Unit) machine() (*sim.Machine, map[string][]byte, error) {
	m := sim.New(sim.Options{CPUs: 1})
	globals := map[string][]byte{}
	for _, g := range u.Result.Spec.Globals {
		b := make([]byte, g.Type.Size)
		copy(b, g.Init)
		globals[g.Name] = b
		m.AddGlobal(g.Name, b, g.Section != ".rodata")
	}
	for _, d := range u.Result.Spec.Maps {
		mp, err := m.AddMap(sim.MapDef{Name: d.Name, Type: d.Type.Keyword, KeySize: uint32(d.KeySize), ValueSize: uint32(d.ValueSize),
			MaxEntries: uint32(d.MaxEntries), Flags: d.Flags, Extra: d.Extra})
		if err != nil {
			return nil, nil, fmt.Errorf("map %s: %w", d.Name, err)
		}
		for i, p := range d.Values {
			if p != "" && d.Inner == nil {
				mp.SetProg(uint32(i), p)
			}
		}
	}
	for _, d := range u.Result.Spec.Maps {
		for i, name := range d.Values {
			if name != "" && d.Inner != nil {
				if err := m.Map(d.Name).SetInner(binary.LittleEndian.AppendUint32(nil, uint32(i)), m.Map(name)); err != nil {
					return nil, nil, fmt.Errorf("map %s: %w", d.Name, err)
				}
			}
		}
	}
	return m, globals, nil
}

// global notes a variable's bytes, unless they are zero or constant.
func (o *Outcome) global(g *obj.Global, b []byte) {
	if g.Section != ".rodata" && len(bytes.Trim(b, "\x00")) > 0 {
		o.Maps[g.Name] = []string{fmt.Sprintf("%x", b)}
	}
}

func (u *Unit) program(name string) (*bpf.Program, *lang.Program) {
	for i, p := range u.Result.Programs {
		if p.Name == name || p.Lisp == name {
			return p, u.Result.Unit.Programs[i]
		}
	}
	return nil, nil
}

// An Execution is a way of running programs that keeps its maps from run to
// run.
type Execution struct {
	Name string
	Step func(s Step) (*Outcome, error)
}

// Run runs a program on a packet.
func (e Execution) Run(program string, packet []byte) (*Outcome, error) {
	return e.Step(Step{Program: program, Packet: packet})
}

// Simulated gives the three executions in user space.
func (u *Unit) Simulated() ([]Execution, error) {
	var out []Execution
	for _, way := range []struct {
		name string
		run  runner
	}{{"lowered IR", interpreter(u.lowered)}, {"optimised IR", interpreter(u.final)}, {"VM", u.virtual()}} {
		e, err := u.simulated(way.name, way.run)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// A runner runs a program by its object name on the context at ctx.
type runner func(m *sim.Machine, program string, ctx uint64) (uint64, error)

func interpreter(funcs map[string]*ir.Func) runner {
	return func(m *sim.Machine, program string, ctx uint64) (uint64, error) {
		in := &interp.Interp{M: m, Tails: funcs, Subs: funcs}
		return in.Run(funcs[program], []uint64{ctx})
	}
}

func (u *Unit) virtual() runner {
	progs, subs := map[string]*vm.Program{}, map[string]*vm.Program{}
	for _, s := range u.Result.Subs {
		subs[s.Name] = &vm.Program{Name: s.Name, Insns: s.Insns, Refs: s.Refs, Subs: subs}
	}
	for _, p := range u.Result.Programs {
		progs[p.Name] = &vm.Program{Name: p.Name, Insns: p.Insns, Refs: p.Refs, Tails: progs, Subs: subs}
	}
	return func(m *sim.Machine, program string, ctx uint64) (uint64, error) {
		return vm.Run(m, progs[program], ctx)
	}
}

// simulated is an execution on a simulated kernel of its own.
func (u *Unit) simulated(name string, run runner) (e Execution, err error) {
	m, globals, err := u.machine()
	if err != nil {
		return e, err
	}
	return Execution{name, func(s Step) (*Outcome, error) {
		if s.Set != nil {
			return nil, s.Set.simulated(m, u)
		}
		p, lp := u.program(s.Program)
		if p == nil {
			return nil, fmt.Errorf("no program %s", s.Program)
		}
		ctx, err := s.context(m, lp.Type)
		if err != nil {
			return nil, err
		}
		r, err := run(m, p.Name, ctx)
		if err != nil {
			return nil, err
		}
		o := &Outcome{Result: uint32(r), Packet: append([]byte(nil), m.Packet(ctx)...), Maps: map[string][]string{}, Events: map[string][]string{}}
		o.Fields = s.fields(m, ctx)
		for _, d := range u.Result.Spec.Maps {
			simMap(o, m.Map(d.Name), d)
		}
		for _, g := range u.Result.Spec.Globals {
			o.global(g, globals[g.Name])
		}
		m.FreeContext(ctx)
		return o, nil
	}}, nil
}

func simMap(o *Outcome, m *sim.Map, d *obj.Map) {
	switch {
	case d.Type.Ring:
		for _, r := range m.Drain() {
			o.Events[d.Name] = append(o.Events[d.Name], fmt.Sprintf("%x", r.Data))
		}
		return
	case d.Type.Keyword == "perf-event-array":
		for _, r := range m.Drain() {
			o.Events[d.Name] = append(o.Events[d.Name], fmt.Sprintf("%x", r.Data[:len(r.Data)&^7]))
		}
		return
	case !listable(d):
		return
	}
	var entries []string
	for _, k := range m.Keys() {
		v, _ := m.Lookup(k)
		entries = append(entries, entry(d.Type, k, v))
	}
	o.Maps[d.Name] = sorted(entries)
}

// listable reports whether a map has entries that programs look up.
func listable(d *obj.Map) bool {
	return d.Type.Ops&abi.OpLookup != 0 && d.Type.Ops&abi.OpSockLookup == 0 && (d.Type.Array || d.Type.Hash) && !d.Type.InnerMap
}

func sorted(entries []string) (out []string) {
	for _, e := range entries {
		if e != "" {
			out = append(out, e)
		}
	}
	sort.Strings(out)
	return out
}

// entry is one entry as text; zero entries of arrays are left out.
func entry(t *abi.MapType, key, value []byte) string {
	if t.Array && len(bytes.Trim(value, "\x00")) == 0 {
		return ""
	}
	return fmt.Sprintf("%x=%x", key, value)
}

// A reader takes records out of a ring or perf buffer.
type reader interface {
	drain() []string
	close()
}

// Kernel loads the object; done frees it.
func (u *Unit) Kernel() (e Execution, done func(), err error) {
	coll, err := load.Open(u.Result.Object)
	if err != nil {
		if r, ok := err.(*load.Refusal); ok {
			err = fmt.Errorf("%w\n%s", err, r.Log)
		}
		return e, nil, err
	}
	rings := map[string]reader{}
	for _, d := range u.Result.Spec.Maps {
		if d.Type.Keyword == "ringbuf" {
			r, err := newRing(coll.Map(d.Name))
			if err != nil {
				coll.Close()
				return e, nil, err
			}
			rings[d.Name] = r
		}
		if d.Type.Keyword == "perf-event-array" {
			r, err := newPerfBuffer(coll.Map(d.Name))
			if err != nil {
				coll.Close()
				return e, nil, err
			}
			rings[d.Name] = r
		}
	}
	run := func(s Step) (*Outcome, error) {
		if s.Set != nil {
			return nil, s.Set.kernel(coll, u)
		}
		data := s.Packet
		p, lp := u.program(s.Program)
		if p == nil {
			return nil, fmt.Errorf("no program %s", s.Program)
		}
		link := packet.LinkHeader(lp.Type, data)
		opts := &ebpf.RunOptions{Data: append(link, data...), DataOut: make([]byte, len(link)+len(data)+512)}
		var r uint32
		var err error
		pinned(func() { r, err = coll.Program(p.Name).Run(opts) })
		if err != nil {
			return nil, err
		}
		o := &Outcome{Result: r, Packet: opts.DataOut[len(link):], Maps: map[string][]string{}, Events: map[string][]string{}}
		for _, g := range u.Result.Spec.Globals {
			if g.Section == ".rodata" {
				continue
			}
			v := coll.Spec.Variables[g.Name]
			if v == nil {
				return nil, fmt.Errorf("the object has no variable %s", g.Name)
			}
			var all []byte
			if err := coll.Map(g.Section).Lookup(uint32(0), &all); err != nil {
				return nil, err
			}
			o.global(g, all[v.Offset:v.Offset+v.Size()])
		}
		for _, d := range u.Result.Spec.Maps {
			if r := rings[d.Name]; r != nil {
				o.Events[d.Name] = r.drain()
				if len(o.Events[d.Name]) == 0 {
					delete(o.Events, d.Name)
				}
				continue
			}
			if err := kernelMap(o, coll.Map(d.Name), d); err != nil {
				return nil, err
			}
		}
		return o, nil
	}
	return Execution{"kernel", run}, func() {
		for _, r := range rings {
			r.close()
		}
		coll.Close()
	}, nil
}

func kernelMap(o *Outcome, m *ebpf.Map, d *obj.Map) error {
	if !listable(d) {
		return nil
	}
	var entries []string
	it := m.Iterate()
	var key []byte
	if d.Type.PerCPU {
		// All runs are on one CPU; the sum is what they did.
		var vals [][]byte
		for it.Next(&key, &vals) {
			entries = append(entries, entry(d.Type, key, sumCPUs(vals, d.ValueSize)))
		}
	} else {
		var val []byte
		for it.Next(&key, &val) {
			entries = append(entries, entry(d.Type, key, val))
		}
	}
	o.Maps[d.Name] = sorted(entries)
	return it.Err()
}

func sumCPUs(vals [][]byte, size int) []byte {
	out := make([]byte, 8)
	var sum uint64
	for _, v := range vals {
		var b [8]byte
		copy(b[:], v[:min(size, 8)])
		sum += binary.LittleEndian.Uint64(b[:])
	}
	binary.LittleEndian.PutUint64(out, sum)
	if size > 8 { // structs: the CPU that ran is the one that is not zero
		for _, v := range vals {
			if len(bytes.Trim(v[:size], "\x00")) > 0 {
				return v[:size]
			}
		}
		return vals[0][:size]
	}
	return out[:size]
}
