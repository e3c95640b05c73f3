package obj

import (
	"fmt"
	"sort"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/btf"
)

// kernelTypes is the part of the kernel's types that an object refers to.
type kernelTypes struct {
	*btf.Local
	cores map[string]*btf.Core
}

// localTypes adds the types that the code's relocations need, and no others.
func localTypes(b *btf.Builder, s *Spec) *kernelTypes {
	if s.Kernel == nil {
		return nil
	}
	used := map[string]bool{}
	note := func(p *bpf.Program) {
		for _, r := range p.Refs {
			if r.Kind == bpf.RefCore {
				used[r.Name] = true
			}
		}
	}
	for _, sub := range s.Subs {
		note(sub.Program)
	}
	for _, p := range s.Programs {
		note(p)
	}
	var keys []string
	for k := range used {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var cores []*btf.Core
	for _, k := range keys {
		cores = append(cores, s.Cores[k])
	}
	return &kernelTypes{b.NewLocal(s.Kernel, cores, nil), s.Cores}
}

// patch gives an instruction the number that the object's own types say, and
// the record that makes loaders put the kernel's there.
func (k *kernelTypes) patch(insns []bpf.Insn, r bpf.Ref, off uint32) btf.CoreRecord {
	c := k.cores[r.Name]
	value, typ, access := k.Resolve(c)
	in := &insns[r.Slot]
	switch in.Class() {
	case bpf.ClassLDX, bpf.ClassST, bpf.ClassSTX:
		in.Off = int16(value)
	case bpf.ClassLD:
		in.Imm = int32(value)
		insns[r.Slot+1].Imm = int32(value >> 32)
	default:
		in.Imm = int32(value)
	}
	kind, ok := abi.Constant(c.Kind)
	if !ok {
		panic(fmt.Sprintf("unknown relocation %s", c.Kind))
	}
	return btf.CoreRecord{Off: off, Type: typ, Access: access, Kind: uint32(kind)}
}
