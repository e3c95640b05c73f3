package obj

import (
	"debug/elf"
	"encoding/binary"
)

// A section of the file being written.
type section struct {
	name       string
	typ        elf.SectionType
	flags      elf.SectionFlag
	data       []byte
	link, info uint32
	ent, align uint64
	size       uint64 // where there is no data (SHT_NOBITS)
}

// A symbol of the file being written.
type symbol struct {
	name        string
	bind        elf.SymBind
	typ         elf.SymType
	sec         int
	value, size uint64
	vis         elf.SymVis
}

// Relocation types of LLVM's BPF target (llvm/BinaryFormat/ELFRelocs/BPF.def);
// loaders refuse any other number, which the load tests would show.
const (
	relMap   = 1  // R_BPF_64_64: the address that an ld_imm64 loads
	relABS64 = 2  // R_BPF_64_ABS64: a pointer in data
	relCall  = 10 // R_BPF_64_32: the target of a call
)

// A file is an ELF object being built. Section 0 is the null section.
type file struct {
	secs []section
	syms []symbol
	rels map[int][]elf.Rel64 // by the section they apply to
}

func newFile() *file {
	return &file{secs: []section{{}}, syms: []symbol{{}}, rels: map[int][]elf.Rel64{}}
}

func (f *file) section(s section) int {
	f.secs = append(f.secs, s)
	return len(f.secs) - 1
}

func (f *file) symbol(s symbol) int {
	f.syms = append(f.syms, s)
	return len(f.syms) - 1
}

func (f *file) rel(sec int, off uint64, sym int, typ uint32) {
	f.rels[sec] = append(f.rels[sec], elf.Rel64{Off: off, Info: elf.R_INFO(uint32(sym), typ)})
}

// localsFirst puts the local symbols before the global ones, as ELF wants,
// and gives their number with the null symbol.
func (f *file) localsFirst() int {
	order := make([]int, len(f.syms))
	var syms []symbol
	for _, global := range []bool{false, true} {
		for i, s := range f.syms {
			if (s.bind != elf.STB_LOCAL) == global {
				order[i] = len(syms)
				syms = append(syms, s)
			}
		}
	}
	locals := 0
	for _, s := range syms {
		if s.bind == elf.STB_LOCAL {
			locals++
		}
	}
	f.syms = syms
	for _, rs := range f.rels {
		for i, r := range rs {
			rs[i].Info = elf.R_INFO(uint32(order[elf.R_SYM64(r.Info)]), elf.R_TYPE64(r.Info))
		}
	}
	return locals
}

// marshal lays the file out: header, section contents, section headers.
func (f *file) marshal() []byte {
	locals := f.localsFirst()
	n := len(f.secs)
	for i := 1; i < n; i++ {
		if rs := f.rels[i]; len(rs) > 0 {
			f.section(section{name: ".rel" + f.secs[i].name, typ: elf.SHT_REL, flags: elf.SHF_INFO_LINK, data: put(nil, rs), info: uint32(i), ent: 16, align: 8})
		}
	}
	str := []byte{0}
	offs := map[string]uint32{}
	name := func(s string) uint32 {
		if s == "" {
			return 0
		}
		if o, ok := offs[s]; ok {
			return o
		}
		o := uint32(len(str))
		str = append(append(str, s...), 0)
		offs[s] = o
		return o
	}
	syms := make([]byte, 0, elf.Sym64Size*len(f.syms))
	for _, s := range f.syms {
		syms = put(syms, elf.Sym64{Name: name(s.name), Info: elf.ST_INFO(s.bind, s.typ), Other: uint8(s.vis), Shndx: uint16(s.sec), Value: s.value, Size: s.size})
	}
	symtab := f.section(section{name: ".symtab", typ: elf.SHT_SYMTAB, data: syms, info: uint32(locals), ent: 24, align: 8})
	strtab := f.section(section{name: ".strtab", typ: elf.SHT_STRTAB, align: 1})
	f.secs[symtab].link = uint32(strtab)
	names := make([]uint32, len(f.secs))
	for i := range f.secs {
		names[i] = name(f.secs[i].name)
		if f.secs[i].typ == elf.SHT_REL {
			f.secs[i].link = uint32(symtab)
		}
	}
	f.secs[strtab].data = str

	size := 64 + (64+8)*len(f.secs)
	for i := range f.secs {
		size += len(f.secs[i].data)
	}
	out := make([]byte, 64, size)
	heads := make([]elf.Section64, len(f.secs))
	for i := 1; i < len(f.secs); i++ {
		s := &f.secs[i]
		for uint64(len(out))%s.align != 0 {
			out = append(out, 0)
		}
		heads[i] = elf.Section64{Name: names[i], Type: uint32(s.typ), Flags: uint64(s.flags), Off: uint64(len(out)),
			Size: max(uint64(len(s.data)), s.size), Link: s.link, Info: s.info, Addralign: s.align, Entsize: s.ent}
		out = append(out, s.data...)
	}
	for len(out)%8 != 0 {
		out = append(out, 0)
	}
	h := elf.Header64{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: 1, Shoff: uint64(len(out)),
		Ehsize: 64, Shentsize: 64, Shnum: uint16(len(f.secs)), Shstrndx: uint16(strtab)}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	put(out[:0], h)
	return put(out, heads)
}

// put adds x, which has a fixed size, to b.
func put(b []byte, x any) []byte {
	b, _ = binary.Append(b, binary.LittleEndian, x)
	return b
}
