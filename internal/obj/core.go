package obj

import (
	"debug/elf"
	"fmt"
	"sort"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/btf"
)

// kernelTypes is the part of the kernel's types that an object refers to.
type kernelTypes struct {
	*btf.Local
	cores  map[string]*btf.Core
	kfuncs []string
	ids    map[string]btf.ID
}

// A Ksym is a variable of the kernel.
type Ksym struct {
	Var  btf.ID // in the kernel's BTF, for one that is addressed by its type
	Weak bool
}

// kfuncSymbol and ksymSymbol keep what the kernel has apart from maps and
// variables.
const (
	kfuncSymbol = "kfunc "
	ksymSymbol  = "ksym "
)

// externs adds undefined symbols for the functions and variables of the
// kernel that the code uses, and their declarations, which loaders compare
// with the kernel's.
func externs(f *file, b *btf.Builder, s *Spec, local *kernelTypes, syms map[string]int) {
	var vars []btf.SecVar
	if local != nil {
		for _, name := range local.kfuncs {
			syms[kfuncSymbol+name] = f.symbol(symbol{name: name, bind: elf.STB_GLOBAL, typ: elf.STT_NOTYPE})
			vars = append(vars, btf.SecVar{Var: local.ID(local.ids[name])})
		}
	}
	for _, name := range usedKsyms(s) {
		k := s.Ksyms[name]
		bind := elf.STB_GLOBAL
		if k.Weak {
			bind = elf.STB_WEAK
		}
		syms[ksymSymbol+name] = f.symbol(symbol{name: name, bind: bind, typ: elf.STT_NOTYPE})
		vars = append(vars, btf.SecVar{Var: b.Var(name, ksymType(b, s.Kernel, k), btf.Extern)})
	}
	if len(vars) > 0 {
		b.Datasec(".ksyms", 0, vars)
	}
}

// ksymType is what loaders compare: void where the address is all that
// counts, else the kind and the name.
func ksymType(b *btf.Builder, t *btf.Types, k *Ksym) btf.ID {
	if k.Var == 0 {
		return 0
	}
	switch id := t.Strip(t.Ref(k.Var)); t.Kind(id) {
	case btf.Struct, btf.Union:
		return b.Struct(t.Name(id), t.Size(id), nil)
	case btf.Int, btf.Enum, btf.Enum64:
		return b.Scalar(t.Size(id), t.Signed(id))
	}
	return b.Ptr(0)
}

func usedKsyms(s *Spec) (names []string) {
	used := map[string]bool{}
	note := func(p *bpf.Program) {
		for _, r := range p.Refs {
			if r.Kind == bpf.RefKsym && !used[r.Name] {
				used[r.Name] = true
				names = append(names, r.Name)
			}
		}
	}
	for _, sub := range s.Subs {
		note(sub.Program)
	}
	for _, p := range s.Programs {
		note(p)
	}
	sort.Strings(names)
	return names
}

// localTypes adds the types that the code's relocations need, and no others.
func localTypes(b *btf.Builder, s *Spec) *kernelTypes {
	if s.Kernel == nil {
		return nil
	}
	used, called := map[string]bool{}, map[string]bool{}
	note := func(p *bpf.Program) {
		for _, r := range p.Refs {
			if r.Kind == bpf.RefCore {
				used[r.Name] = true
			}
			if r.Kind == bpf.RefKfunc {
				called[r.Name] = true
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
	var kfuncs []string
	var roots []btf.ID
	for name := range called {
		kfuncs = append(kfuncs, name)
	}
	sort.Strings(kfuncs)
	for _, name := range kfuncs {
		roots = append(roots, s.Kfuncs[name])
	}
	var tables []btf.Table
	for _, o := range s.Ops {
		tables = append(tables, o.table())
	}
	return &kernelTypes{b.NewLocal(s.Kernel, cores, roots, tables), s.Cores, kfuncs, s.Kfuncs}
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
