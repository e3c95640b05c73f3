package lang

import "github.com/whistler-lang/whistler/internal/btf"

// A KernelField is a field of a struct of the kernel, as the kernel that was
// described to the compiler has it. The way to it leads through pointers: all
// but the last of Offsets are where one stands.
type KernelField struct {
	Offsets        []int64 // bytes
	Size           int     // bytes that are read at the last
	LShift, RShift int     // of what is read, in 64 bits; both 0 but for bit-fields
	Signed         bool
}

// KernelFields gives the fields that import-kernel-struct defines accessors
// for, by their names in upper case, and the sizes of the structs.
func (u *Unit) KernelFields() (fields map[string]KernelField, sizes map[string]int) {
	fields, sizes = map[string]KernelField{}, map[string]int{}
	t := u.Kernel
	for name, a := range u.kaccess {
		if t == nil || a.of.id == 0 {
			continue
		}
		sizes[a.of.sym.Name] = t.Size(a.of.id)
		if a.ptr || a.as || len(a.steps) == 0 {
			continue
		}
		var f KernelField
		for i, s := range a.steps {
			ask := func(kind string) int64 { return t.Value(&btf.Core{Kind: kind, Root: s.root, Path: s.path}) }
			f.Offsets = append(f.Offsets, ask(btf.FieldByteOffset))
			if i < len(a.steps)-1 {
				continue
			}
			f.Size, f.Signed = int(ask(btf.FieldByteSize)), ask(btf.FieldSigned) != 0
			if s.bits > 0 {
				f.LShift, f.RShift = int(ask(btf.FieldLShift)), int(ask(btf.FieldRShift))
			}
		}
		fields[name] = f
	}
	return fields, sizes
}
