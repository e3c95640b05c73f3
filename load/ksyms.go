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
	le := binary.LittleEndian
	recs, strs := btfParts(blob)
	all := append([][]byte{nil}, btfRecords(recs)...)
	var externs []uint32
	for _, r := range all[1:] {
		if btfKind(r) == kindDatasec && btfName(r, strs) == ".ksyms" {
			for r := r[btfHead:]; len(r) > 0; r = r[12:] {
				externs = append(externs, le.Uint32(r))
			}
		}
	}
	for _, id := range externs {
		if id < uint32(len(all)) && all[id] != nil && btfKind(all[id]) == kindVar && le.Uint32(all[id][8:]) != 0 {
			names = append(names, btfName(all[id], strs))
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
