package load

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// untypeKsyms gives the object without the types of the kernel's variables,
// which the library does not read, and the names of those that had one.
func untypeKsyms(object []byte) ([]byte, []string) {
	f, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		return object, nil
	}
	s := f.Section(".BTF")
	if s == nil || s.Offset > uint64(len(object)) || s.FileSize > uint64(len(object))-s.Offset {
		return object, nil
	}
	copied := slices.Clone(object)
	names := untype(copied[s.Offset : s.Offset+s.FileSize])
	if names == nil {
		return object, nil
	}
	return copied, names
}

// untype makes the typed variables of the section .ksyms untyped, in place,
// and gives their names. The records are those of <linux/btf.h>.
func untype(blob []byte) (names []string) {
	const kindInt, kindArray, kindStruct, kindUnion, kindEnum, kindFuncProto, kindVar, kindDatasec, kindDeclTag, kindEnum64 = 1, 3, 4, 5, 6, 13, 14, 15, 17, 19
	const head, hdr = 12, 24
	le := binary.LittleEndian
	if len(blob) < hdr || le.Uint32(blob[4:]) != hdr {
		return nil
	}
	cut := func(off, n uint32) []byte {
		from, to := uint64(hdr)+uint64(off), uint64(hdr)+uint64(off)+uint64(n)
		if to > uint64(len(blob)) {
			return nil
		}
		return blob[from:to]
	}
	recs, strs := cut(le.Uint32(blob[8:]), le.Uint32(blob[12:])), cut(le.Uint32(blob[16:]), le.Uint32(blob[20:]))
	name := func(r []byte) string {
		off := uint64(le.Uint32(r))
		if off >= uint64(len(strs)) {
			return ""
		}
		s, _, _ := bytes.Cut(strs[off:], []byte{0})
		return string(s)
	}
	all := [][]byte{nil}
	var externs []uint32
	for len(recs) >= head {
		info := le.Uint32(recs[4:])
		kind, n := info>>24&31, int(info&0xffff)
		size := map[uint32]int{kindInt: 4, kindArray: 12, kindStruct: 12 * n, kindUnion: 12 * n, kindEnum: 8 * n,
			kindFuncProto: 8 * n, kindVar: 4, kindDatasec: 12 * n, kindDeclTag: 4, kindEnum64: 12 * n}[kind]
		if len(recs) < head+size {
			return nil
		}
		if kind == kindDatasec && name(recs) == ".ksyms" {
			for i := range n {
				externs = append(externs, le.Uint32(recs[head+12*i:]))
			}
		}
		all = append(all, recs[:head+size])
		recs = recs[head+size:]
	}
	for _, id := range externs {
		if id < uint32(len(all)) && all[id] != nil && le.Uint32(all[id][4:])>>24&31 == kindVar && le.Uint32(all[id][8:]) != 0 {
			names = append(names, name(all[id]))
			le.PutUint32(all[id][8:], 0)
		}
	}
	return names
}

// pseudoBTFID is BPF_PSEUDO_BTF_ID of <linux/bpf.h>: the instruction loads
// the address of a variable that the kernel's BTF describes.
const pseudoBTFID = asm.R3

// typeKsyms makes references to typed variables of the kernel what the
// verifier wants: the variables' numbers in its BTF. The library would put
// addresses there, which are plain numbers to the verifier.
func typeKsyms(spec *ebpf.CollectionSpec, names []string) error {
	if len(names) == 0 {
		return nil
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("the kernel's types: %w", err)
	}
	for name, p := range spec.Programs {
		for i := range p.Instructions {
			ins := &p.Instructions[i]
			if !ins.OpCode.IsDWordLoad() || ins.Src != 0 || !slices.Contains(names, ins.Reference()) {
				continue
			}
			var v *btf.Var
			err := kernel.TypeByName(ins.Reference(), &v)
			if errors.Is(err, btf.ErrNotFound) {
				return fmt.Errorf("program %s: the kernel has no variable %s of a known type", name, ins.Reference())
			}
			if err != nil {
				return err
			}
			id, err := kernel.TypeID(v)
			if err != nil {
				return err
			}
			to := asm.Instruction{OpCode: ins.OpCode, Dst: ins.Dst, Src: pseudoBTFID, Constant: int64(id)}.
				WithSymbol(ins.Symbol()).WithSource(ins.Source())
			*ins = btf.WithFuncMetadata(to, btf.FuncMetadata(ins))
		}
	}
	return nil
}
