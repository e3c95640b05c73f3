package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/bpf/vm"
	"github.com/whistler-lang/whistler/internal/sim"
	"github.com/whistler-lang/whistler/load"
)

// A codeBase says where the code of a function of the VM stands in a program:
// its first slot.
type codeBase map[*vm.Program]int

// execute counts the instructions of one run of a program in the VM, by form.
// The run before it made the entries that the program makes. left is the
// program that a tail call went on in; what that executes is not counted.
func (p *costed) execute(spec *ebpf.CollectionSpec, packet []byte) (left string, err error) {
	section := abi.SectionMatch(p.section)
	if section == nil || section.ProgType() == nil || !section.ProgType().Packet && !section.ProgType().SKB {
		return "", errors.New("the VM runs programs on packets, and this type has none")
	}
	t := section.ProgType()
	m, err := simulated(spec, spec.Programs[p.name])
	if err != nil {
		return "", err
	}
	progs := map[string]*vm.Program{}
	var base codeBase
	for name, s := range spec.Programs {
		top, b, err := functions(s)
		if err != nil {
			return "", err
		}
		top.Tails = progs
		if progs[name] = top; name == p.name {
			base = b
		}
	}
	if t.PacketL3 || t.Keyword == "socket-filter" { // as in BPF_PROG_TEST_RUN: see its Ethernet header away
		packet = packet[abi.HeaderByName("eth").Size:]
	}
	r := &vm.Runner{M: m}
	for _, counted := range []bool{false, true} {
		if counted {
			r.Trace = func(f *vm.Program, slot int, _ *[11]uint64) {
				if b, own := base[f]; own {
					p.count(executedColumn, b+slot)
				} else if left == "" {
					left = f.Name
				}
			}
		}
		ctx, err := m.NewPacketContext(t, append([]byte(nil), packet...), nil)
		if err == nil {
			_, err = r.Run(progs[p.name], ctx)
		}
		if err != nil {
			p.drop(executedColumn)
			return "", err
		}
		if n := p.total[executedColumn]; counted && left == "" && n != r.Steps {
			p.drop(executedColumn)
			return "", fmt.Errorf("the VM executed %d, of which %d have a form", r.Steps, n)
		}
		m.FreeContext(ctx)
		for _, mp := range m.Maps() {
			mp.Drain()
		}
	}
	p.has[executedColumn] = true
	return left, nil
}

// functions is a program's code for the VM: each function by itself, since
// callbacks are called by name.
func functions(s *ebpf.ProgramSpec) (top *vm.Program, base codeBase, err error) {
	subs := map[string]*vm.Program{}
	base = codeBase{}
	var f *vm.Program
	slot := 0
	for _, ins := range s.Instructions {
		if name := ins.Symbol(); name != "" || f == nil {
			f = &vm.Program{Name: name, Subs: subs}
			if top == nil {
				top = f
			}
			subs[name], base[f] = f, slot
		}
		code, err := rawInsn(s.Name, ins)
		if err != nil {
			return nil, nil, err
		}
		ref := bpf.Ref{Slot: len(f.Insns), Name: ins.Reference()}
		named := ref.Name != ""
		switch {
		case ins.IsFunctionCall():
			ref.Kind = bpf.RefSubprog
		case ins.IsKfuncCall():
			ref.Kind = bpf.RefKfunc
		case ins.IsLoadOfFunctionPointer():
			ref.Kind = bpf.RefFunc
		case ins.IsLoadFromMap() && code[0].Src == bpf.PseudoMapValue:
			ref.Kind = bpf.RefGlobal
		case ins.IsLoadFromMap():
			ref.Kind = bpf.RefMap
		default:
			named = false
		}
		if named {
			f.Refs = append(f.Refs, ref)
		}
		f.Insns = append(f.Insns, code...)
		slot += len(code)
	}
	return top, base, nil
}

// simulated makes a machine with the maps and variables of an object. Those
// that it cannot have are an error if the program uses them.
func simulated(spec *ebpf.CollectionSpec, s *ebpf.ProgramSpec) (*sim.Machine, error) {
	used := map[string]bool{}
	for _, ins := range s.Instructions {
		if ins.IsLoadFromMap() {
			used[ins.Reference()] = true
		}
	}
	m := sim.New(sim.Options{CPUs: 1})
	for name, d := range spec.Maps {
		if load.Internal(name) {
			b := make([]byte, d.ValueSize)
			if len(d.Contents) > 0 {
				v, _ := d.Contents[0].Value.([]byte)
				copy(b, v)
			}
			m.AddGlobal(name, b, d.Flags&readOnlyProg() == 0)
			continue
		}
		if _, err := m.AddMap(simMap(d)); err != nil {
			if used[name] {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Maps)) {
		mp := m.Map(name)
		for _, kv := range spec.Maps[name].Contents {
			if mp == nil {
				break
			}
			if err := fill(m, mp, kv); err != nil && used[name] {
				return nil, fmt.Errorf("map %s: %w", name, err)
			}
		}
	}
	return m, nil
}

var readOnlyProg = sync.OnceValue(func() uint32 {
	v, _ := abi.Constant("BPF_F_RDONLY_PROG")
	return uint32(v)
})

func simMap(d *ebpf.MapSpec) sim.MapDef {
	def := sim.MapDef{Name: d.Name, KeySize: d.KeySize, ValueSize: d.ValueSize, MaxEntries: d.MaxEntries, Flags: d.Flags &^ readOnlyProg(), Extra: d.MapExtra}
	if t := abi.MapTypeByID(uint32(d.Type)); t != nil {
		def.Type = t.Keyword
	}
	if d.InnerMap != nil {
		inner := simMap(d.InnerMap)
		def.Inner = &inner
	}
	return def
}

// fill makes an entry that the object gives a map.
func fill(m *sim.Machine, mp *sim.Map, kv ebpf.MapKV) error {
	key, err := bytesOf(kv.Key)
	if err != nil {
		return err
	}
	name, named := kv.Value.(string)
	switch {
	case named && mp.Type == "prog-array" && len(key) == 4:
		return mp.SetProg(binary.NativeEndian.Uint32(key), name)
	case named && m.Map(name) != nil:
		return mp.SetInner(key, m.Map(name))
	case named:
		return fmt.Errorf("there is no %s for an entry", name)
	}
	value, err := bytesOf(kv.Value)
	if err != nil {
		return err
	}
	return mp.Update(key, value, 0)
}

func bytesOf(v any) ([]byte, error) {
	if b, ok := v.([]byte); ok {
		return b, nil
	}
	return binary.Append(nil, binary.NativeEndian, v)
}
