// Package types is the types of the language and their layout in memory,
// which is C's: natural alignment, trailing padding.
package types

import "fmt"

// Kind is the class of a type.
type Kind uint8

// The kinds. Literal is a constant without a type of its own; Never is the
// type of what does not come back, such as (return).
const (
	Int Kind = iota
	Ptr
	StructKind
	Array
	Literal
	Never
)

// A Type is a type. Scalars are compared by pointer or by fields.
type Type struct {
	Kind   Kind
	Size   int     // bytes in memory
	Signed bool    // Int
	Elem   *Type   // Ptr (nil: bytes) and Array
	Len    int     // Array; Ptr: how many Elems there are, 0 if unknown
	Struct *Struct // StructKind
	Enum   *Enum   // Int: the constants that name its values
	Space  Space   // Ptr: where it points
	Null   bool    // Ptr: may be null
	Always bool    // Ptr: never null, though the verifier wants a test
	Probe  bool    // Ptr to kernel memory: only helpers may read there, the verifier takes it for a number
	From   string  // Ptr: what gave it, for messages: "map-lookup"
	Map    any     // Ptr to a map that another holds: what it is like
}

// The scalars.
var (
	U8  = &Type{Kind: Int, Size: 1}
	U16 = &Type{Kind: Int, Size: 2}
	U32 = &Type{Kind: Int, Size: 4}
	U64 = &Type{Kind: Int, Size: 8}
	I8  = &Type{Kind: Int, Size: 1, Signed: true}
	I16 = &Type{Kind: Int, Size: 2, Signed: true}
	I32 = &Type{Kind: Int, Size: 4, Signed: true}
	I64 = &Type{Kind: Int, Size: 8, Signed: true}

	Lit = &Type{Kind: Literal, Size: 8}
	// ULit is a literal written as 2^63 or more, which no signed place holds.
	ULit    = &Type{Kind: Literal, Size: 8, Len: 1}
	Nowhere = &Type{Kind: Never, Size: 8}
)

var scalars = map[string]*Type{"U8": U8, "U16": U16, "U32": U32, "U64": U64, "I8": I8, "I16": I16, "I32": I32, "I64": I64}

// ScalarNamed gives u8 to i64 by their Lisp names in upper case.
func ScalarNamed(name string) *Type { return scalars[name] }

// ScalarOf gives the unsigned scalar of size bytes, nil if there is none.
func ScalarOf(size int, signed bool) *Type {
	for _, t := range []*Type{U8, U16, U32, U64, I8, I16, I32, I64} {
		if t.Size == size && t.Signed == signed {
			return t
		}
	}
	return nil
}

// PtrTo makes a pointer to t (nil: bytes) in space. A pointer to an array is
// one to its elements, of which it has Len.
func PtrTo(t *Type, space Space) *Type {
	p := &Type{Kind: Ptr, Size: 8, Elem: t, Space: space}
	if t != nil && t.Kind == Array {
		p.Elem, p.Len = t.Elem, t.Len
	}
	return p
}

// ArrayOf makes an array type.
func ArrayOf(elem *Type, n int) *Type {
	return &Type{Kind: Array, Size: elem.Size * n, Elem: elem, Len: n}
}

// IsInt reports whether t is a scalar or literal.
func (t *Type) IsInt() bool { return t.Kind == Int || t.Kind == Literal }

// IsPtr reports whether t is a pointer.
func (t *Type) IsPtr() bool { return t.Kind == Ptr }

// Align is the alignment of t in memory.
func (t *Type) Align() int {
	switch t.Kind {
	case Array:
		return t.Elem.Align()
	case StructKind:
		return t.Struct.Align
	}
	return max(1, t.Size)
}

// String is t as the user writes it.
func (t *Type) String() string {
	switch t.Kind {
	case Int:
		if t.Enum != nil {
			return t.Enum.Name
		}
		if t.Signed {
			return fmt.Sprintf("i%d", 8*t.Size)
		}
		return fmt.Sprintf("u%d", 8*t.Size)
	case Ptr:
		if t.Elem == nil {
			return "pointer to " + t.Space.Words()
		}
		return fmt.Sprintf("pointer to %v in %s", t.Elem, t.Space.Words())
	case StructKind:
		return t.Struct.Name
	case Array:
		return fmt.Sprintf("(array %v %d)", t.Elem, t.Len)
	case Literal:
		return "integer"
	}
	return "nothing"
}
