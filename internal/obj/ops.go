package obj

import (
	"debug/elf"

	"github.com/whistler-lang/whistler/internal/btf"
)

// Ops is a variable that is a struct of the kernel's: of functions, which are
// programs, and of what describes them.
type Ops struct {
	Name    string // object name
	Struct  btf.ID // in the kernel's BTF
	Members []OpsMember
	Link    bool // registered by a link
}

// An OpsMember is a member of the struct that has a value: the program of
// that name, or bytes.
type OpsMember struct {
	Index   int // among the members of the kernel's struct
	Program string
	Bytes   []byte
}

func (o *Ops) table() btf.Table {
	t := btf.Table{Struct: o.Struct}
	for _, m := range o.Members {
		t.Members = append(t.Members, m.Index)
	}
	return t
}

// opsSections are the sections of such variables. The name says how loaders
// register them.
var opsSections = []struct {
	name string
	link bool
}{{".struct_ops", false}, {".struct_ops.link", true}}

// writeOps makes the sections of structs of operations. Loaders find the
// kernel's members by the names of those that are here.
func writeOps(f *file, b *btf.Builder, ops []*Ops, local *kernelTypes) (relocs []mapReloc) {
	for _, s := range opsSections {
		var data []byte
		var vars []btf.SecVar
		sec := -1
		for _, o := range ops {
			if o.Link != s.link {
				continue
			}
			if sec < 0 {
				sec = f.section(section{name: s.name, typ: elf.SHT_PROGBITS, flags: elf.SHF_ALLOC | elf.SHF_WRITE, align: 8})
			}
			for len(data)%8 != 0 {
				data = append(data, 0)
			}
			off := len(data)
			size, offs := local.Layout(o.Struct)
			data = append(data, make([]byte, size)...)
			for _, m := range o.Members {
				at := off + offs[m.Index]
				copy(data[at:], m.Bytes)
				if m.Program != "" {
					relocs = append(relocs, mapReloc{sec, uint64(at), m.Program})
				}
			}
			f.symbol(symbol{name: o.Name, bind: elf.STB_GLOBAL, typ: elf.STT_OBJECT, sec: sec, value: uint64(off), size: uint64(size)})
			v := b.Var(o.Name, local.ID(o.Struct), btf.Global)
			vars = append(vars, btf.SecVar{Var: v, Offset: uint32(off), Size: uint32(size)})
		}
		if sec < 0 {
			continue
		}
		f.secs[sec].data = data
		b.Datasec(s.name, uint32(len(data)), vars)
	}
	return relocs
}
