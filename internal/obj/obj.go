// Package obj writes programs and maps as ELF objects that libbpf,
// bpftool and cilium/ebpf load: code, relocations, maps defined in BTF,
// types, and the source line of every instruction.
package obj

import (
	"debug/elf"
	"encoding/binary"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Map is what an object says of a map.
type Map struct {
	Name       string // object name
	Type       *abi.MapType
	Key, Value *types.Type
	KeySize    int
	ValueSize  int
	MaxEntries int64
	Flags      uint32
	Extra      uint64
	PinByName  bool
	Events     []*types.Struct
	Values     []string // initial programs of a prog-array, "" for none
}

// A Spec is all that goes into an object.
type Spec struct {
	Programs []*bpf.Program
	Subs     []*Sub
	Globals  []*Global
	Maps     []*Map
	Structs  []*types.Struct
	Enums    []*types.Enum
	License  string
}

// pinByName is LIBBPF_PIN_BY_NAME of libbpf's bpf_helpers.h.
const pinByName = 1

// Write gives the bytes of an ELF object.
func Write(s *Spec) []byte {
	f := newFile()
	b := btf.NewBuilder()
	for _, st := range s.Structs {
		b.StructOf(st)
	}
	for _, e := range s.Enums {
		b.EnumOf(e)
	}
	syms, relocs := writeMaps(f, b, s)
	writeGlobals(f, b, s.Globals, syms)

	// Subprograms come first: calls of static ones say where in their section
	// they begin.
	var infos []btf.SecInfo
	text := 0
	subs := map[string]subSymbol{}
	if len(s.Subs) > 0 {
		text = f.section(section{name: TextSection, typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, align: 8})
		textSym := f.symbol(symbol{name: "", bind: elf.STB_LOCAL, typ: elf.STT_SECTION, sec: text, value: 0, size: 0})
		off := uint64(0)
		for _, sub := range s.Subs {
			size := uint64(8 * len(sub.Insns))
			x := subSymbol{sym: textSym, off: off}
			if sub.Global {
				x = subSymbol{sym: f.symbol(symbol{name: sub.Name, bind: elf.STB_GLOBAL, typ: elf.STT_FUNC, sec: text, value: off, size: size})}
			} else {
				f.symbol(symbol{name: sub.Name, bind: elf.STB_LOCAL, typ: elf.STT_FUNC, sec: text, value: off, size: size})
			}
			subs[sub.Name] = x
			off += size
		}
		info := btf.SecInfo{Section: TextSection}
		var code []byte
		for _, sub := range s.Subs {
			code = append(code, writeCode(f, text, uint32(len(code)), sub.Program, subFunc(b, sub), subs, syms, &info)...)
		}
		f.secs[text].data = code
		infos = append(infos, info)
	}

	// Programs, by section in the order of their first program.
	var order []string
	bySec := map[string][]*bpf.Program{}
	for _, p := range s.Programs {
		if bySec[p.Section] == nil {
			order = append(order, p.Section)
		}
		bySec[p.Section] = append(bySec[p.Section], p)
	}
	progSyms := map[string]int{}
	for _, name := range order {
		info := btf.SecInfo{Section: name}
		var code []byte
		sec := f.section(section{name: name, typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, align: 8})
		for _, p := range bySec[name] {
			start := uint32(len(code))
			progSyms[p.Name] = f.symbol(symbol{name: p.Name, bind: elf.STB_GLOBAL, typ: elf.STT_FUNC, sec: sec, value: uint64(start), size: uint64(8 * len(p.Insns))})
			code = append(code, writeCode(f, sec, start, p, funcType(b, p), subs, syms, &info)...)
		}
		f.secs[sec].data = code
		infos = append(infos, info)
	}
	for _, r := range relocs {
		f.rel(r.sec, r.off, progSyms[r.prog], relABS64)
	}
	lic := append([]byte(s.License), 0)
	sec := f.section(section{name: "license", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, data: lic, align: 1})
	f.symbol(symbol{name: "_license", bind: elf.STB_GLOBAL, typ: elf.STT_OBJECT, sec: sec, value: 0, size: uint64(len(lic))})
	ext := b.MarshalExt(infos)
	f.section(section{name: ".BTF", typ: elf.SHT_PROGBITS, data: b.Marshal(), align: 4})
	f.section(section{name: ".BTF.ext", typ: elf.SHT_PROGBITS, data: ext, align: 4})
	return f.marshal()
}

// writeCode adds a function's records and relocations, and gives its code.
func writeCode(f *file, sec int, start uint32, p *bpf.Program, fn btf.ID, subs map[string]subSymbol, syms map[string]int, info *btf.SecInfo) []byte {
	info.Funcs = append(info.Funcs, btf.FuncInfo{Off: start, Func: fn})
	for _, l := range lines(p) {
		line, col := l.Pos.LineCol()
		info.Lines = append(info.Lines, btf.LineInfo{Off: start + uint32(l.Slot)*8, File: l.Pos.File.Name,
			Text: strings.TrimRight(l.Pos.File.Line(line), " \t"), Line: line, Col: col})
	}
	insns := append([]bpf.Insn(nil), p.Insns...)
	for _, r := range p.Refs {
		at := uint64(start) + uint64(r.Slot)*8
		switch r.Kind {
		case bpf.RefMap, bpf.RefGlobal:
			f.rel(sec, at, syms[r.Name], relMap)
		case bpf.RefSubprog:
			s := subs[r.Name]
			insns[r.Slot].Imm = int32(s.off/8) - 1
			f.rel(sec, at, s.sym, relCall)
		case bpf.RefFunc:
			s := subs[r.Name]
			insns[r.Slot].Imm = int32(s.off)
			f.rel(sec, at, s.sym, relMap)
		}
	}
	return bpf.Encode(insns, binary.LittleEndian)
}

// lines makes sure that a function begins with a line record, as the kernel
// demands.
func lines(p *bpf.Program) []bpf.Line {
	ls := p.Lines
	if len(ls) == 0 || ls[0].Slot != 0 {
		ls = append([]bpf.Line{{Slot: 0, Pos: p.Pos}}, ls...)
	}
	var known []bpf.Line
	for _, l := range ls {
		if l.Pos.Known() {
			known = append(known, l)
		}
	}
	return known
}

// funcType is int name(struct context *ctx).
func funcType(b *btf.Builder, p *bpf.Program) btf.ID {
	ctx := btf.ID(0)
	if t := abi.ProgTypeByKeyword(p.Type); t != nil && t.Ctx != "" {
		ctx = ctxType(b, t.Ctx)
	}
	proto := b.FuncProto(b.Int("int", 4, true), []btf.Param{{Name: "ctx", Type: b.Ptr(ctx)}})
	return b.Func(p.Name, proto, btf.Global)
}

// ctxType is a context struct with the fields that stand at places of their
// own: of unions, the first member.
func ctxType(b *btf.Builder, name string) btf.ID {
	s := abi.CtxStructByName(name)
	if s == nil {
		return b.Fwd(name)
	}
	return b.Once("ctx "+name, func() btf.ID {
		var ms []btf.Member
		end := uint32(0)
		for _, f := range s.Fields {
			if f.Offset < end {
				continue
			}
			t := b.Scalar(int(f.Size), f.Signed)
			if f.Count > 1 {
				t = b.Array(t, int(f.Count))
			}
			ms = append(ms, btf.Member{Name: f.Name, Type: t, Offset: int(f.Offset)})
			end = f.Offset + f.Size*max(f.Count, 1)
		}
		return b.Struct(name, int(s.Size), ms)
	})
}

// A mapReloc puts a program into a slot of a prog-array.
type mapReloc struct {
	sec  int
	off  uint64
	prog string
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
		off += total
	}
	f.secs[sec].data = make([]byte, off)
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
	if len(m.Values) > 0 {
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
