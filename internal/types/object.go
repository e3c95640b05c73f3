package types

// The kernel's own objects that programs name but never look into. Their
// layout is that of <linux/bpf.h>; the kernel finds those in map values by
// the C name and the size that BTF has for them.
var (
	SpinLock = object("bpf-spin-lock", "bpf_spin_lock", Field{C: "val", Type: U32})
	Timer    = object("bpf-timer", "bpf_timer", Field{C: "__opaque", Type: ArrayOf(U64, 2)})
	Dynptr   = object("bpf-dynptr", "bpf_dynptr", Field{C: "__opaque", Type: ArrayOf(U64, 2)})
)

func object(name, c string, f Field) *Struct {
	s := &Struct{Name: name, C: c, Object: true, Fields: []Field{f}}
	s.Layout()
	return s
}

// Object is the kernel's object that t is, nil if it is none.
func (t *Type) Object() *Struct {
	if t != nil && t.Kind == StructKind && t.Struct.Object {
		return t.Struct
	}
	return nil
}

// Objects lists the fields of s that are objects of the kernel.
func (s *Struct) Objects() (fs []*Field) {
	for i := range s.Fields {
		if s.Fields[i].Type.Object() != nil && !s.Object {
			fs = append(fs, &s.Fields[i])
		}
	}
	return fs
}

// HasObject finds an object of the kernel anywhere in t.
func (t *Type) HasObject() *Struct {
	switch {
	case t == nil:
		return nil
	case t.Kind == Array:
		return t.Elem.HasObject()
	case t.Object() != nil:
		return t.Struct
	case t.Kind == StructKind:
		for _, f := range t.Struct.Objects() {
			return f.Type.Struct
		}
	}
	return nil
}
