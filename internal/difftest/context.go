package difftest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sim"
	"github.com/whistler-lang/whistler/load"
)

// A Context is what a program runs on that has no packet. The kernel's test
// run does not take one.
type Context struct {
	Raw    string            // a tracepoint's record in hex; {...} is a pointer to other bytes
	Regs   map[string]uint64 // struct pt_regs, by "parm1" and so on
	User   map[string]string // registers that point to bytes, likewise
	Fields map[string]uint64 // the program type's struct, by C names
}

// context makes the step's context in a simulated kernel.
func (s *Step) context(m *sim.Machine, pt *abi.ProgType) (uint64, error) {
	c := s.Context
	switch {
	case c == nil:
		return m.NewPacketContext(pt, append([]byte(nil), s.Packet...), nil)
	case c.Fields != nil:
		for name, v := range map[string]uint64{"get-socket-cookie": 77, "sock-ops-cb-flags-set": 0} {
			m.Mock[abi.HelperByName(name).ID] = func([5]uint64) (uint64, error) { return v, nil }
		}
		return m.NewPacketContext(pt, nil, c.Fields)
	case c.Regs == nil:
		b, err := record(m, c.Raw)
		return m.NewRawContext(b), err
	}
	b := make([]byte, abi.CtxStructByName("pt_regs").Size)
	put := func(reg string, v uint64) error {
		off, ok := abi.PtRegs("amd64", reg)
		if !ok {
			return fmt.Errorf("no register %s", reg)
		}
		binary.LittleEndian.PutUint64(b[off:], v)
		return nil
	}
	for reg, v := range c.Regs {
		if err := put(reg, v); err != nil {
			return 0, err
		}
	}
	for reg, text := range c.User {
		addr, err := memory(m, text)
		if err == nil {
			err = put(reg, addr)
		}
		if err != nil {
			return 0, err
		}
	}
	return m.NewRawContext(b), nil
}

// fields are the values now of the context's fields that the step set.
func (s *Step) fields(m *sim.Machine, ctx uint64) (out []string) {
	if s.Context == nil {
		return nil
	}
	for name := range s.Context.Fields {
		v, _ := m.Field(ctx, name)
		out = append(out, fmt.Sprintf("%s=%#x", name, v))
	}
	sort.Strings(out)
	return out
}

// memory makes memory of a process and gives its address.
func memory(m *sim.Machine, text string) (uint64, error) {
	b, err := record(m, text)
	return m.NewMemory("the process's memory", b, true), err
}

// record gives bytes in hex, with what {...} describes as memory.
func record(m *sim.Machine, text string) ([]byte, error) {
	if start, end := strings.IndexByte(text, '{'), strings.LastIndexByte(text, '}'); start >= 0 && end > start {
		inner, err := memory(m, text[start+1:end])
		if err != nil {
			return nil, err
		}
		text = text[:start] + hex.EncodeToString(binary.LittleEndian.AppendUint64(nil, inner)) + text[end+1:]
	}
	return hex.DecodeString(text)
}

// An Entry is what user space puts into a map: in a prog-array the value is
// the name of a program.
type Entry struct {
	Map, Key, Value string
}

func (e *Entry) bytes() (key, value []byte, err error) {
	if key, err = hex.DecodeString(e.Key); err != nil {
		return nil, nil, err
	}
	value, err = hex.DecodeString(e.Value)
	return key, value, err
}

func (e *Entry) progArray(u *Unit) bool {
	for _, d := range u.Result.Spec.Maps {
		if d.Name == e.Map {
			return d.Type.Keyword == "prog-array"
		}
	}
	return false
}

func (e *Entry) simulated(m *sim.Machine, u *Unit) error {
	mp := m.Map(e.Map)
	if mp == nil {
		return fmt.Errorf("no map %s", e.Map)
	}
	if e.progArray(u) {
		key, err := hex.DecodeString(e.Key)
		if err != nil || len(key) != 4 {
			return fmt.Errorf("bad index %s", e.Key)
		}
		return mp.SetProg(binary.LittleEndian.Uint32(key), e.Value)
	}
	key, value, err := e.bytes()
	if err != nil {
		return err
	}
	return mp.Update(key, value, 0)
}

func (e *Entry) kernel(coll *load.Collection, u *Unit) error {
	mp := coll.Map(e.Map)
	if e.progArray(u) {
		key, err := hex.DecodeString(e.Key)
		if err != nil {
			return err
		}
		return mp.Put(key, coll.Program(e.Value))
	}
	key, value, err := e.bytes()
	if err != nil {
		return err
	}
	if t := mp.Type(); t == ebpf.PerCPUHash || t == ebpf.PerCPUArray || t == ebpf.LRUCPUHash {
		n, err := ebpf.PossibleCPU()
		if err != nil {
			return err
		}
		all := make([][]byte, n)
		for i := range all {
			all[i] = value
		}
		return mp.Put(key, all)
	}
	return mp.Put(key, value)
}
