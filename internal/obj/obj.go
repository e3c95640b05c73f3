// Package obj writes programs and maps as ELF objects that libbpf,
// bpftool and cilium/ebpf load: code, relocations, maps defined in BTF,
// types, and the source line of every instruction.
package obj

import (
	"debug/elf"
	"encoding/binary"
	"slices"
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
	Show       string   // how tools show it: a tag of the object
	Values     []string // initial programs or maps, by name, "" for none
	Inner      *Map     // what the maps in a map of maps are like
}

// A Spec is all that goes into an object.
type Spec struct {
	Programs     []*bpf.Program
	Subs         []*Sub
	Replacements map[*bpf.Program]*Sub // programs that have the type of a function they replace
	Globals      []*Global
	Maps         []*Map
	Structs      []*types.Struct
	Enums        []*types.Enum
	License      string
	Ops          []*Ops
	Kernel       *btf.Types           // where the relocations are from
	Cores        map[string]*btf.Core // by the names of their references
	Kfuncs       map[string]btf.ID    // functions of the kernel, by name
	Ksyms        map[string]*Ksym     // and variables
}

// pinByName is LIBBPF_PIN_BY_NAME of libbpf's bpf_helpers.h.
const pinByName = 1

// Write gives the bytes of an ELF object.
func Write(s *Spec) []byte {
	f := newFile()
	defer f.free()
	b := btf.NewBuilder()
	defer b.Free()
	for _, st := range s.Structs {
		b.StructOf(st)
	}
	for _, e := range s.Enums {
		b.EnumOf(e)
	}
	local := localTypes(b, s)
	syms, relocs := writeMaps(f, b, s)
	writeGlobals(f, b, s.Globals, syms)
	relocs = append(relocs, writeOps(f, b, s.Ops, local)...)

	externs(f, b, s, local, syms)

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
		code := f.bytes(int(off))[:0]
		for _, sub := range s.Subs {
			code = writeCode(f, code, text, sub.Program, subFunc(b, sub), subs, syms, &info, local)
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
		size := 0
		for _, p := range bySec[name] {
			size += 8 * len(p.Insns)
		}
		code := f.bytes(size)[:0]
		sec := f.section(section{name: name, typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, align: 8})
		for _, p := range bySec[name] {
			start := uint32(len(code))
			progSyms[p.Name] = f.symbol(symbol{name: p.Name, bind: elf.STB_GLOBAL, typ: elf.STT_FUNC, sec: sec, value: uint64(start), size: uint64(8 * len(p.Insns))})
			code = writeCode(f, code, sec, p, s.funcType(b, p), subs, syms, &info, local)
		}
		f.secs[sec].data = code
		infos = append(infos, info)
	}
	for _, r := range relocs {
		sym, isProg := progSyms[r.name]
		if !isProg {
			sym = syms[r.name]
		}
		f.rel(r.sec, r.off, sym, relABS64)
	}
	lic := append([]byte(s.License), 0)
	sec := f.section(section{name: "license", typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, data: lic, align: 1})
	f.symbol(symbol{name: "_license", bind: elf.STB_GLOBAL, typ: elf.STT_OBJECT, sec: sec, value: 0, size: uint64(len(lic))})
	ext := b.MarshalExt(infos)
	f.section(section{name: ".BTF", typ: elf.SHT_PROGBITS, data: b.Marshal(), align: 4})
	f.section(section{name: ".BTF.ext", typ: elf.SHT_PROGBITS, data: ext, align: 4})
	return f.marshal()
}

// writeCode adds a function's code to that of the section, and its records and
// relocations.
func writeCode(f *file, code []byte, sec int, p *bpf.Program, fn btf.ID, subs map[string]subSymbol, syms map[string]int, info *btf.SecInfo, local *kernelTypes) []byte {
	start := uint32(len(code))
	info.Funcs = append(info.Funcs, btf.FuncInfo{Off: start, Func: fn})
	ls := lines(p)
	if info.Lines == nil {
		info.Lines = f.lines.Take(&linePool, len(ls))[:0]
	}
	for _, l := range ls {
		line, col := l.Pos.LineCol()
		info.Lines = append(info.Lines, btf.LineInfo{Off: start + uint32(l.Slot)*8, File: l.Pos.File.Name,
			Text: strings.TrimRight(l.Pos.File.Line(line), " \t"), Line: line, Col: col})
	}
	insns := p.Insns
	if len(p.Refs) > 0 { // some are patched
		insns = append(f.insns[:0], insns...)
		f.insns = insns
	}
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
		case bpf.RefKfunc:
			f.rel(sec, at, syms[kfuncSymbol+r.Name], relCall)
		case bpf.RefKsym:
			f.rel(sec, at, syms[ksymSymbol+r.Name], relMap)
		case bpf.RefCore:
			info.Cores = append(info.Cores, local.patch(insns, r, uint32(at)))
		}
	}
	return bpf.AppendTo(code, insns, binary.LittleEndian)
}

// lines makes sure that a function begins with a line record, as the kernel
// demands.
func lines(p *bpf.Program) []bpf.Line {
	ls := p.Lines
	if len(ls) == 0 || ls[0].Slot != 0 {
		ls = append([]bpf.Line{{Slot: 0, Pos: p.Pos}}, ls...)
	}
	unknown := func(l bpf.Line) bool { return !l.Pos.Known() }
	if slices.ContainsFunc(ls, unknown) {
		ls = slices.DeleteFunc(slices.Clone(ls), unknown)
	}
	return ls
}

// funcType is int name(struct context *ctx), but for replacements.
func (s *Spec) funcType(b *btf.Builder, p *bpf.Program) btf.ID {
	if r := s.Replacements[p]; r != nil {
		return subFunc(b, r)
	}
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
	return b.Once(btf.Key{What: "ctx", Name: name}, func() btf.ID {
		var ms []btf.Member
		end := uint32(0)
		for _, f := range s.Fields {
			if f.Offset < end {
				continue
			}
			t := b.Scalar(int(f.Size), f.Signed)
			switch {
			case f.Offset >= s.Size: // C's array of no length at the end
				t = b.Array(t, 0)
			case f.Count > 1:
				t = b.Array(t, int(f.Count))
			}
			ms = append(ms, btf.Member{Name: f.Name, Type: t, Offset: int(f.Offset)})
			end = f.Offset + f.Size*max(f.Count, 1)
		}
		return b.Struct(name, int(s.Size), ms)
	})
}
