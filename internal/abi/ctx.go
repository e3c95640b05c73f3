package abi

import "sort"

// CtxKind is what a program gets when it reads a context field.
type CtxKind uint8

const (
	CtxScalar     CtxKind = iota // a number
	CtxPacket                    // start of the packet data
	CtxPacketEnd                 // first byte after the packet data
	CtxPacketMeta                // start of the metadata before the packet
	CtxSock                      // struct bpf_sock *, see NullOK
	CtxFlowKeys                  // struct bpf_flow_keys *
	CtxPointer                   // another typed kernel pointer
)

// Pointer tells whether a load of the field gives a pointer. Packet pointers
// are read with a load of the field's own size, 4 bytes in XDP and skb
// programs, and are 64 bits wide in the register all the same.
func (k CtxKind) Pointer() bool { return k != CtxScalar }

// CtxStruct is the context of some program types, as UAPI describes it. The
// table has also the few UAPI structs that helpers take or give back
// (bpf_fib_lookup, bpf_tcp_sock, bpf_timer); Context is false for those.
type CtxStruct struct {
	Name    string // C name: "xdp_md"
	Size    uint32
	Context bool
	Fields  []CtxField // by offset
}

// CtxField is a field of a context struct. Who may read and write it is the
// verifier's answer.
type CtxField struct {
	Name   string // C name; fields of anonymous unions stand by their own name
	Offset uint32
	Size   uint32 // of one element
	Count  uint32 // elements; 1 if the field is no array
	Kind   CtxKind
	Type   string // C type of an element: "__u32", "struct bpf_sock *"
	Signed bool
	NullOK bool // a pointer that may be null
	Net    bool // network byte order by its type
	Narrow bool // 1- and 2-byte loads are accepted
	Read   ProgSet
	Write  ProgSet
	Typed  ProgSet // of Read, those to which the first element is of Kind, the rest being numbers; empty: all to all

	// Of types that may, the attach types of sections that may not: bit i
	// stands for i of enum bpf_attach_type.
	NoRead, NoWrite uint64
	WriteOne        bool // of several elements only the first may be written
}

// ReadIn reports whether programs of a section may read the field, given that
// their type may.
func (f *CtxField) ReadIn(s *Section) bool { return s == nil || f.NoRead>>s.AttachType&1 == 0 }

// WriteIn is ReadIn for writing.
func (f *CtxField) WriteIn(s *Section) bool { return s == nil || f.NoWrite>>s.AttachType&1 == 0 }

// KindFor is what programs of type t get from the field at an offset.
func (f *CtxField) KindFor(t *ProgType, offset uint32) CtxKind {
	if f.Typed != 0 && (offset != f.Offset || !f.Typed.Has(t)) {
		return CtxScalar
	}
	return f.Kind
}

// CtxStructs is the table, sorted by name.
func CtxStructs() []CtxStruct { return ctxStructs[:] }

// CtxStructByName finds a context struct by its C name, nil if there is none.
func CtxStructByName(name string) *CtxStruct {
	i, ok := search(len(ctxStructs), func(i int) string { return ctxStructs[i].Name }, name)
	if !ok {
		return nil
	}
	return &ctxStructs[i]
}

// Field finds a field by its C or Lisp name: "data_end", "DATA-END".
func (s *CtxStruct) Field(name string) *CtxField {
	name = fold(name)
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// At finds the field that covers an offset, nil for padding and beyond the
// end. Where a union gives several, it is the first declared.
func (s *CtxStruct) At(offset uint32) *CtxField {
	i := sort.Search(len(s.Fields), func(i int) bool { return s.Fields[i].Offset > offset })
	for i--; i >= 0; i-- {
		f := &s.Fields[i]
		if offset < f.Offset+f.Size*f.Count {
			for i > 0 && s.Fields[i-1].Offset == f.Offset {
				i--
				if g := &s.Fields[i]; offset < g.Offset+g.Size*g.Count {
					f = g
				}
			}
			return f
		}
	}
	return nil
}
