package user

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/bpf/vm"
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/ir/interp"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/obj"
	"github.com/whistler-lang/whistler/internal/sim"
	"github.com/whistler-lang/whistler/internal/source"
)

// cpus is how many processors the simulated kernel has.
const cpus = 4

// VM is the virtual machine as a host.
type VM struct {
	M       *sim.Machine
	Kernel  lang.Kernel // knows the formats of tracepoints; may be nil
	Arch    string
	r       *compile.Result
	globals map[string][]byte
	progs   map[string]*vm.Program
	// lowered are the functions as they were before any optimisation: where
	// there are some they run in place of the instructions, and cover sees
	// what they compute.
	lowered map[string]*ir.Func
	cover   *Coverage
}

// NewVM makes a simulated kernel with the maps and variables of an object.
func NewVM(r *compile.Result) (*VM, error) {
	h := &VM{M: sim.New(sim.Options{CPUs: cpus, Seed: 1}), r: r, globals: map[string][]byte{}, progs: map[string]*vm.Program{}}
	for _, g := range r.Spec.Globals {
		b := make([]byte, g.Type.Size)
		copy(b, g.Init)
		h.globals[g.Name] = b
		h.M.AddGlobal(g.Name, b, g.Section != ".rodata")
	}
	for _, d := range r.Spec.Maps {
		if err := h.addMap(d); err != nil {
			return nil, err
		}
	}
	for _, d := range r.Spec.Maps {
		for i, name := range d.Values {
			m := h.M.Map(d.Name)
			switch {
			case name == "" || m == nil:
				continue
			case d.Inner != nil:
				if err := m.SetInner(binary.LittleEndian.AppendUint32(nil, uint32(i)), h.M.Map(name)); err != nil {
					return nil, fmt.Errorf("map %s: %w", d.Name, err)
				}
			default:
				if err := m.SetProg(uint32(i), name); err != nil {
					return nil, fmt.Errorf("map %s: %w", d.Name, err)
				}
			}
		}
	}
	subs := map[string]*vm.Program{}
	for _, s := range r.Subs {
		subs[s.Name] = &vm.Program{Name: s.Name, Insns: s.Insns, Refs: s.Refs, Subs: subs}
	}
	for _, p := range r.Programs {
		h.progs[p.Name] = &vm.Program{Name: p.Name, Insns: p.Insns, Refs: p.Refs, Tails: h.progs, Subs: subs}
	}
	return h, nil
}

// addMap makes a map. One of a type that is not simulated is left out: a
// program that uses it will say so.
func (h *VM) addMap(d *obj.Map) error {
	def := simMap(d)
	if _, err := h.M.AddMap(def); err != nil {
		if _, again := sim.New(sim.Options{}).AddMap(sim.MapDef{Name: "x", Type: d.Type.Keyword, KeySize: 4, ValueSize: 4, MaxEntries: 4096}); again != nil {
			return nil
		}
		return fmt.Errorf("map %s: %w", d.Name, err)
	}
	return nil
}

func simMap(d *obj.Map) sim.MapDef {
	def := sim.MapDef{Name: d.Name, Type: d.Type.Keyword, KeySize: uint32(d.KeySize), ValueSize: uint32(d.ValueSize), MaxEntries: uint32(d.MaxEntries), Flags: d.Flags, Extra: d.Extra}
	if d.Inner != nil {
		inner := simMap(d.Inner)
		def.Inner = &inner
	}
	return def
}

// CPUs is how many processors there are.
func (h *VM) CPUs() int { return h.M.CPUs() }

// Close does nothing.
func (h *VM) Close() {}

// Run runs a program on fresh contexts.
func (h *VM) Run(p *lang.Program, in Input) (*Outcome, error) {
	if in.CPU >= h.M.CPUs() {
		return nil, fmt.Errorf("there is no processor %d: they are 0 to %d", in.CPU, h.M.CPUs()-1)
	}
	h.M.CPU = in.CPU
	h.M.Trace = nil
	var o *Outcome
	for range max(1, in.Repeat) {
		ctx, err := h.context(p, in)
		if err != nil {
			return nil, err
		}
		v, err := h.execute(p, ctx)
		if err != nil {
			return nil, err
		}
		o = &Outcome{Result: uint32(v), Packet: h.M.Packet(ctx)}
		fields := map[string]uint64{}
		if s := abi.CtxStructByName(p.Type.Ctx); s != nil {
			for _, f := range s.Fields {
				if v, ok := h.M.Field(ctx, f.Name); ok {
					fields[f.Name] = v
				}
			}
		}
		o.Field = func(name string) (uint64, bool) { v, ok := fields[name]; return v, ok }
		h.M.FreeContext(ctx)
	}
	o.Printed = append([]string(nil), h.M.Trace...)
	return o, nil
}

func (h *VM) execute(p *lang.Program, ctx uint64) (uint64, error) {
	if h.lowered != nil {
		in := &interp.Interp{M: h.M, Tails: h.lowered, Subs: h.lowered, Trace: h.cover.computed, Leaves: h.cover.left}
		v, err := in.Run(h.lowered[p.C], []uint64{ctx})
		var at *interp.Error
		if errors.As(err, &at) {
			f := &Fault{Err: at.Err}
			if at.At != nil {
				f.Pos = at.At.Pos
			}
			return 0, f
		}
		return v, err
	}
	v, err := vm.Run(h.M, h.progs[p.C], ctx)
	var at *vm.Error
	if errors.As(err, &at) {
		return 0, &Fault{h.slotPos(at.Name, at.Slot), at.Err}
	}
	return v, err
}

// slotPos is the form that an instruction is from.
func (h *VM) slotPos(name string, slot int) (pos source.Pos) {
	var lines []bpf.Line
	for _, p := range h.r.Programs {
		if p.Name == name {
			lines = p.Lines
		}
	}
	for _, s := range h.r.Subs {
		if s.Name == name {
			lines = s.Lines
		}
	}
	i := sort.Search(len(lines), func(i int) bool { return lines[i].Slot > slot })
	if i > 0 {
		pos = lines[i-1].Pos
	}
	return pos
}

// context makes the program's context.
func (h *VM) context(p *lang.Program, in Input) (uint64, error) {
	t := p.Type
	switch {
	case t.Keyword == "tracepoint":
		return h.record(p, in)
	case t.Ctx == "pt_regs":
		b := make([]byte, abi.CtxStructByName("pt_regs").Size)
		put := func(reg string, v uint64) error {
			off, ok := abi.PtRegs(h.Arch, reg)
			if !ok {
				return fmt.Errorf("the registers of %s have no %s", h.Arch, reg)
			}
			binary.LittleEndian.PutUint64(b[off:], v)
			return nil
		}
		for i, v := range in.Args {
			if err := put(fmt.Sprintf("parm%d", i+1), v); err != nil {
				return 0, fmt.Errorf("argument %d of 5 at most: %w", i+1, err)
			}
		}
		if in.Result != nil {
			if err := put("ret", *in.Result); err != nil {
				return 0, err
			}
		}
		for name, v := range in.Fields {
			off, ok := abi.PtRegs(h.Arch, name)
			if f := abi.CtxStructByName("pt_regs").Field(name); !ok && f != nil {
				off, ok = f.Offset, true
			}
			if !ok {
				return 0, fmt.Errorf("struct pt_regs has no field %s", name)
			}
			binary.LittleEndian.PutUint64(b[off:], v)
		}
		return h.M.NewRawContext(b), nil
	case t.CtxArgs || t.Ctx == "":
		var b []byte
		for _, v := range in.Args {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		if in.Result != nil {
			b = binary.LittleEndian.AppendUint64(b, *in.Result)
		}
		return h.M.NewRawContext(b), nil
	case abi.CtxStructByName(t.Ctx) == nil:
		return h.M.NewRawContext(make([]byte, 64)), nil
	case in.Packet == nil && (t.Packet || t.SKB):
		return 0, fmt.Errorf("a %s program runs on a packet: give it :packet", t.Keyword)
	}
	return h.M.NewPacketContext(t, in.Packet, in.Fields)
}

// record makes the record of a tracepoint.
func (h *VM) record(p *lang.Program, in Input) (uint64, error) {
	category, event, ok := strings.Cut(abi.SectionTarget(p.Section), "/")
	if !ok || h.Kernel == nil {
		return 0, fmt.Errorf("the section %s names no tracepoint whose format is known", p.Section)
	}
	fields, err := h.Kernel.Tracepoint(category, event)
	if err != nil {
		return 0, err
	}
	size := 8
	for _, f := range fields {
		size = max(size, f.Offset+f.Size)
	}
	b := make([]byte, (size+7)&^7)
	find := func(name string) *lang.TraceField {
		for i := range fields {
			if fields[i].Name == name || fields[i].Name == "__syscall_nr" && name == "nr" {
				return &fields[i]
			}
		}
		return nil
	}
	for name, v := range in.Fields {
		f := find(name)
		if f == nil || f.Size > 8 {
			return 0, fmt.Errorf("tracepoint %s/%s has no number %s", category, event, name)
		}
		putLittle(b[f.Offset:f.Offset+f.Size], v)
	}
	for _, name := range sortedKeys(in.Texts) {
		text := in.Texts[name]
		f := find(name)
		switch {
		case f == nil:
			return 0, fmt.Errorf("tracepoint %s/%s has no field %s", category, event, name)
		case f.DataLoc: // behind the fields; offset in the low half, length in the high one
			at := len(b)
			b = append(append(b, text...), 0)
			from := at
			if f.Relative {
				from -= f.Offset + f.Size
			}
			putLittle(b[f.Offset:f.Offset+4], uint64(from)|uint64(len(text)+1)<<16)
		case f.Count > 0 && len(text) <= f.Size:
			copy(b[f.Offset:f.Offset+f.Size], text)
		case f.Size == 8: // a pointer to the process's memory
			addr := h.M.NewMemory("the argument "+name, append(append([]byte(nil), text...), 0), true)
			putLittle(b[f.Offset:f.Offset+8], addr)
		default:
			return 0, fmt.Errorf("%d bytes do not go into %s of tracepoint %s/%s", len(text), name, category, event)
		}
	}
	return h.M.NewRawContext(b), nil
}

func (h *VM) simulated(m *lang.Map) (*sim.Map, error) {
	if mp := h.M.Map(m.C); mp != nil {
		return mp, nil
	}
	return nil, &Unsupported{fmt.Sprintf("maps of type :%s are not simulated", m.Type.Keyword)}
}

// Lookup gives the values of a key.
func (h *VM) Lookup(m *lang.Map, key []byte) ([][]byte, bool, error) {
	mp, err := h.simulated(m)
	if err != nil {
		return nil, false, err
	}
	v, ok := mp.LookupCPUs(key)
	return v, ok, nil
}

// Update sets them.
func (h *VM) Update(m *lang.Map, key []byte, values [][]byte) error {
	mp, err := h.simulated(m)
	if err != nil {
		return err
	}
	var all []byte
	for _, v := range values {
		all = append(all, v...)
	}
	return mp.Update(key, all, 0)
}

// Delete removes an entry.
func (h *VM) Delete(m *lang.Map, key []byte) (bool, error) {
	mp, err := h.simulated(m)
	if err != nil {
		return false, err
	}
	if _, there := mp.Lookup(key); !there {
		return false, nil
	}
	return true, mp.Delete(key)
}

// Keys lists the keys.
func (h *VM) Keys(m *lang.Map) ([][]byte, error) {
	mp, err := h.simulated(m)
	if err != nil {
		return nil, err
	}
	return mp.Keys(), nil
}

// SetProgram fills a slot of a prog-array.
func (h *VM) SetProgram(m *lang.Map, index uint32, p *lang.Program) error {
	mp, err := h.simulated(m)
	if err != nil {
		return err
	}
	return mp.SetProg(index, p.C)
}

// Push adds to a queue, stack or bloom filter.
func (h *VM) Push(m *lang.Map, value []byte) error {
	mp, err := h.simulated(m)
	if err != nil {
		return err
	}
	return mp.Push(value, 0)
}

// Pop takes out of a queue or stack.
func (h *VM) Pop(m *lang.Map) ([]byte, bool, error) {
	mp, err := h.simulated(m)
	if err != nil || mp.Len() == 0 {
		return nil, false, err
	}
	v, err := mp.Pop()
	return v, err == nil, err
}

// Drain takes the records out of a ring or perf buffer.
func (h *VM) Drain(m *lang.Map) (out [][]byte, err error) {
	mp, err := h.simulated(m)
	if err != nil {
		return nil, err
	}
	for _, r := range mp.Drain() {
		out = append(out, r.Data)
	}
	return out, nil
}

// Global is the value of a variable.
func (h *VM) Global(g *lang.Global) ([]byte, error) {
	b, ok := h.globals[g.C]
	if !ok {
		return nil, fmt.Errorf("no program uses the variable %s, and the object has none", g.Name)
	}
	return append([]byte(nil), b...), nil
}

// SetGlobal sets it.
func (h *VM) SetGlobal(g *lang.Global, value []byte) error {
	b, ok := h.globals[g.C]
	if !ok {
		return fmt.Errorf("no program uses the variable %s, and the object has none", g.Name)
	}
	copy(b, value)
	return nil
}

func sortedKeys[V any](m map[string]V) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
