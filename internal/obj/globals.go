package obj

import (
	"debug/elf"

	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/types"
)

// A Global is a variable in .bss, .data or .rodata.
type Global struct {
	Name    string // object name
	Section string
	Type    *types.Type
	Init    []byte // nil: zero
	Hidden  bool   // STV_HIDDEN
	Static  bool   // known in this object only
}

// dataSections are the sections of variables, in the order in which they
// stand in the object.
var dataSections = []struct {
	name  string
	typ   elf.SectionType
	flags elf.SectionFlag
}{
	{".rodata", elf.SHT_PROGBITS, elf.SHF_ALLOC},
	{".data", elf.SHT_PROGBITS, elf.SHF_ALLOC | elf.SHF_WRITE},
	{".bss", elf.SHT_NOBITS, elf.SHF_ALLOC | elf.SHF_WRITE},
}

// writeGlobals makes the sections of variables and their types, and adds
// the symbols to syms.
func writeGlobals(f *file, b *btf.Builder, globals []*Global, syms map[string]int) {
	for _, s := range dataSections {
		var data []byte
		var vars []btf.SecVar
		sec := -1
		for _, g := range globals {
			if g.Section != s.name {
				continue
			}
			if sec < 0 {
				sec = f.section(section{name: s.name, typ: s.typ, flags: s.flags, align: 8})
			}
			for a := g.Type.Align(); len(data)%a != 0; {
				data = append(data, 0)
			}
			off := len(data)
			init := make([]byte, g.Type.Size)
			copy(init, g.Init)
			data = append(data, init...)
			bind, linkage := elf.STB_GLOBAL, uint32(btf.Global)
			if g.Static {
				bind, linkage = elf.STB_LOCAL, btf.Static
			}
			x := symbol{name: g.Name, bind: bind, typ: elf.STT_OBJECT, sec: sec, value: uint64(off), size: uint64(len(init))}
			if g.Hidden && !g.Static {
				x.vis = elf.STV_HIDDEN
			}
			syms[g.Name] = f.symbol(x)
			vars = append(vars, btf.SecVar{Var: b.Var(g.Name, b.Type(g.Type), linkage), Offset: uint32(off), Size: uint32(len(init))})
		}
		if sec < 0 {
			continue
		}
		b.Datasec(s.name, uint32(len(data)), vars)
		if s.typ == elf.SHT_NOBITS {
			f.secs[sec].size = uint64(len(data))
		} else {
			f.secs[sec].data = data
		}
	}
}
