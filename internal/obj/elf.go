package obj

import (
	"debug/elf"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/slab"
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

const relSize = 16 // bytes of a Rel64

// A file is an ELF object being built. Section 0 is the null section.
type file struct {
	secs []section
	syms []symbol
	rels [][]elf.Rel64 // by the section they apply to

	// What marshal works with.
	order  []int             // of the symbols
	sorted []symbol          // which they are then
	strs   []byte            // the string table
	offs   map[string]uint32 // where in it they are
	names  []uint32          // of the sections
	heads  []elf.Section64

	data  slab.Lent[byte] // of sections
	lines slab.Lent[btf.LineInfo]
	insns []bpf.Insn // of a program that is patched
}

// What files have in turn.
var (
	files    sync.Pool
	dataPool = slab.Pool[byte]{AtOnce: 16 << 10}
	linePool = slab.Pool[btf.LineInfo]{AtOnce: 1 << 9}
)

func newFile() *file {
	f, _ := files.Get().(*file)
	if f == nil {
		f = &file{offs: map[string]uint32{}}
	}
	f.section(section{})
	f.symbol(symbol{})
	return f
}

// free gives what f has to the files that come.
func (f *file) free() {
	f.data.Back(&dataPool)
	f.lines.Back(&linePool)
	if len(f.syms) > mostSymbols || len(f.insns) > mostInsns {
		return
	}
	clear(f.secs)
	clear(f.syms)
	clear(f.sorted)
	clear(f.offs)
	for i := range f.rels {
		f.rels[i] = f.rels[i][:0]
	}
	f.secs, f.syms, f.sorted, f.rels = f.secs[:0], f.syms[:0], f.sorted[:0], f.rels[:0]
	files.Put(f)
}

// What a file may have had and be used again.
const (
	mostSymbols = 1 << 10
	mostInsns   = 1 << 14
)

func (f *file) section(s section) int {
	f.secs = append(f.secs, s)
	n := len(f.rels)
	f.rels = slices.Grow(f.rels, 1)[:n+1]
	return n
}

// bytes gives room for the n bytes of a section.
func (f *file) bytes(n int) []byte { return f.data.Take(&dataPool, n) }

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
	order := slices.Grow(f.order[:0], len(f.syms))[:len(f.syms)]
	syms := f.sorted[:0]
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
	f.order = order
	f.syms, f.sorted = syms, f.syms
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
			f.section(section{name: ".rel" + f.secs[i].name, typ: elf.SHT_REL, flags: elf.SHF_INFO_LINK, data: put(f.bytes(relSize * len(rs))[:0], rs), info: uint32(i), ent: relSize, align: 8})
		}
	}
	str, offs := append(f.strs[:0], 0), f.offs
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
	syms := f.bytes(elf.Sym64Size * len(f.syms))[:0]
	for _, s := range f.syms {
		syms = put(syms, elf.Sym64{Name: name(s.name), Info: elf.ST_INFO(s.bind, s.typ), Other: uint8(s.vis), Shndx: uint16(s.sec), Value: s.value, Size: s.size})
	}
	symtab := f.section(section{name: ".symtab", typ: elf.SHT_SYMTAB, data: syms, info: uint32(locals), ent: 24, align: 8})
	strtab := f.section(section{name: ".strtab", typ: elf.SHT_STRTAB, align: 1})
	f.secs[symtab].link = uint32(strtab)
	names := slices.Grow(f.names[:0], len(f.secs))[:len(f.secs)]
	for i := range f.secs {
		names[i] = name(f.secs[i].name)
		if f.secs[i].typ == elf.SHT_REL {
			f.secs[i].link = uint32(symtab)
		}
	}
	f.secs[strtab].data = str
	f.strs, f.names = str, names

	size := 64 + (64+8)*len(f.secs)
	for i := range f.secs {
		size += len(f.secs[i].data)
	}
	out := make([]byte, 64, size)
	heads := slices.Grow(f.heads[:0], len(f.secs))[:len(f.secs)]
	heads[0], f.heads = elf.Section64{}, heads
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
