package load

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cilium/ebpf"
)

// The sections of structs of operations, by libbpf's names: those with a link
// are registered by one, and the others when their values are written.
const (
	opsSection     = ".struct_ops"
	opsLinkSection = ".struct_ops.link"
)

// linked is BPF_F_LINK of <linux/bpf.h>: what the map holds is registered by
// a link.
const linked = 1 << 13

// An opsVar is a struct of operations of an object: which program is at which
// of its bytes.
type opsVar struct {
	name     string
	programs map[uint64]string
}

// opsVars finds the structs of operations: the library knows the member of
// each program, but of two structs of a type not which of them it is in.
func opsVars(object []byte) (vars []opsVar) {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return nil
	}
	syms, err := f.Symbols()
	if err != nil {
		return nil
	}
	for i, s := range f.Sections {
		if s.Name != opsSection && s.Name != opsLinkSection {
			continue
		}
		at := map[uint64]string{}
		for _, r := range f.Sections {
			data, err := r.Data()
			if r.Type != elf.SHT_REL || int(r.Info) != i || err != nil {
				continue
			}
			for ; len(data) >= 16; data = data[16:] {
				if sym := f.ByteOrder.Uint64(data[8:]) >> 32; sym > 0 && sym <= uint64(len(syms)) {
					at[f.ByteOrder.Uint64(data)] = syms[sym-1].Name
				}
			}
		}
		for _, y := range syms {
			if int(y.Section) != i || elf.ST_TYPE(y.Info) != elf.STT_OBJECT {
				continue
			}
			v := opsVar{y.Name, map[uint64]string{}}
			for off, program := range at {
				if off >= y.Value && off < y.Value+y.Size {
					v.programs[off-y.Value] = program
				}
			}
			vars = append(vars, v)
		}
	}
	return vars
}

// linkOps gives the object as the library reads it: it refuses the section
// .struct_ops. Plain tells whether that is what the object has.
func linkOps(object []byte) (out []byte, plain bool, err error) {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil || f.Section(opsSection) == nil || f.ByteOrder != binary.LittleEndian || f.Class != elf.ELFCLASS64 {
		return object, false, nil
	}
	if f.Section(opsLinkSection) != nil {
		return nil, false, errors.New("the object has structs of operations with links and without; this loader reads one of the two, and libbpf both")
	}
	le := binary.LittleEndian
	out = slices.Clone(object)
	head := func(i int) []byte { // a section's header, as struct Elf64_Shdr
		const shoff, size = 0x28, 64
		return out[le.Uint64(out[shoff:])+uint64(i)*size:]
	}
	// A longer copy of a section goes to the end of the file.
	grow := func(i int, data []byte) {
		for len(out)%8 != 0 {
			out = append(out, 0)
		}
		le.PutUint64(head(i)[0x18:], uint64(len(out)))
		le.PutUint64(head(i)[0x20:], uint64(len(data)))
		out = append(out, data...)
	}
	names := int(le.Uint16(out[0x3e:]))
	for i, s := range f.Sections {
		data, err := s.Data()
		switch {
		case i == names && err == nil:
			grow(i, append(append(slices.Clone(data), opsLinkSection...), 0))
		case s.Name == opsSection:
			le.PutUint32(head(i), uint32(f.Sections[names].Size))
		case s.Name == ".BTF" && err == nil:
			grow(i, renameDatasec(data, opsSection, opsLinkSection))
		}
	}
	return out, true, nil
}

// renameDatasec gives BTF in which a section of variables has another name.
func renameDatasec(blob []byte, from, to string) []byte {
	const hdr = 24
	le := binary.LittleEndian
	recs, strs := btfParts(blob)
	if strs == nil || uint64(hdr)+uint64(le.Uint32(blob[16:]))+uint64(len(strs)) != uint64(len(blob)) {
		return blob // the text is not at the end
	}
	out := append(append(slices.Clone(blob), to...), 0)
	le.PutUint32(out[20:], uint32(len(strs)+len(to)+1))
	off := hdr + le.Uint32(blob[8:])
	for _, r := range btfRecords(recs) {
		if btfKind(r) == kindDatasec && btfName(r, strs) == from {
			le.PutUint32(out[off:], uint32(len(strs)))
		}
		off += uint32(len(r))
	}
	return out
}

// plainOps takes the flag off maps that linkOps gave it.
func plainOps(spec *ebpf.CollectionSpec) {
	for _, m := range spec.Maps {
		if m.Type == ebpf.StructOpsMap {
			m.Flags &^= linked
		}
	}
}
