package obj

import (
	"debug/elf"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/types"
)

// A mapReloc puts a program into a slot of a prog-array or a member of a
// struct of operations, or a map into a slot of a map of maps.
type mapReloc struct {
	sec  int
	off  uint64
	name string
}

// writeMaps makes the .maps section: its bytes are all zero, what counts is
// the BTF struct of each map's variable.
func writeMaps(f *file, b *btf.Builder, s *Spec) (syms map[string]int, relocs []mapReloc) {
	syms = map[string]int{}
	if len(s.Maps) == 0 {
		return syms, nil
	}
	sec := f.section(section{name: ".maps", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, align: 8})
	var vars []btf.SecVar
	off := 0
	for _, m := range s.Maps {
		def, size, values := mapStruct(b, m)
		total := size + 8*len(m.Values)
		v := b.Var(m.Name, def, btf.Global)
		vars = append(vars, btf.SecVar{Var: v, Offset: uint32(off), Size: uint32(total)})
		syms[m.Name] = f.symbol(symbol{name: m.Name, bind: elf.STB_GLOBAL, typ: elf.STT_OBJECT, sec: sec, value: uint64(off), size: uint64(total)})
		for i, p := range m.Values {
			if p != "" {
				relocs = append(relocs, mapReloc{sec, uint64(off + values + 8*i), p})
			}
		}
		for _, e := range m.Events {
			b.DeclTag("event:"+e.C, v)
		}
		if m.Show != "" {
			b.DeclTag("show:"+m.Show, v)
		}
		off += total
	}
	f.secs[sec].data = f.bytes(off)
	b.Datasec(".maps", uint32(off), vars)
	return syms, relocs
}

// mapStruct is the definition of a map in libbpf's encoding: a number n is
// a pointer to an array of n ints, a type a pointer to it. values is the
// offset of the initial contents.
func mapStruct(b *btf.Builder, m *Map) (def btf.ID, size, values int) {
	i32 := b.Int("int", 4, true)
	var ms []btf.Member
	add := func(name string, t btf.ID) {
		ms = append(ms, btf.Member{Name: name, Type: t, Offset: 8 * len(ms)})
	}
	number := func(name string, n int) { add(name, b.Ptr(b.Array(i32, n))) }
	number("type", int(m.Type.ID))
	keyBTF, valueBTF := btfSides(m)
	switch {
	case keyBTF:
		add("key", b.Ptr(b.Type(m.Key)))
	case m.KeySize > 0:
		number("key_size", m.KeySize)
	}
	switch {
	case valueBTF:
		add("value", b.Ptr(b.Type(m.Value)))
	case m.ValueSize > 0:
		number("value_size", m.ValueSize)
	}
	if m.MaxEntries > 0 {
		number("max_entries", int(m.MaxEntries))
	}
	if m.Flags != 0 {
		number("map_flags", int(m.Flags))
	}
	if m.Extra != 0 {
		number("map_extra", int(m.Extra))
	}
	if m.PinByName {
		number("pinning", pinByName)
	}
	values = 8 * len(ms)
	switch {
	case m.Inner != nil:
		inner := *m.Inner
		inner.PinByName, inner.Values = false, nil // a template is never pinned
		def, _, _ := mapStruct(b, &inner)
		add("values", b.Array(b.Ptr(def), 0))
	case len(m.Values) > 0:
		proto := b.FuncProto(i32, []btf.Param{{Type: b.Ptr(0)}})
		add("values", b.Array(b.Ptr(proto), 0))
	}
	return b.Struct("", values, ms), values, values
}

// btfSides reports whether the kernel takes BTF types for key and value of
// such a map.
func btfSides(m *Map) (key, value bool) {
	isStruct := m.Key != nil && m.Key.Kind == types.StructKind
	isU32 := m.Key != nil && m.Key.Kind == types.Int && m.Key.Size == 4 && m.Key.Enum == nil
	has := m.Key != nil && m.Value != nil
	switch m.Type.BTF {
	case abi.BTFAny, abi.BTFRequired:
		return has, has
	case abi.BTFKeyU32:
		return has && isU32, has && isU32
	case abi.BTFKeyStruct:
		return has && isStruct, has && isStruct
	case abi.BTFValueOnly:
		return false, m.Value != nil
	}
	return false, false
}
