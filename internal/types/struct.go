package types

import "github.com/whistler-lang/whistler/internal/source"

// A Struct is a declared struct or union.
type Struct struct {
	Name   string // as the user wrote it
	C      string // in objects
	Union  bool   // all fields begin at 0
	Object bool   // an object of the kernel that only helpers touch
	Kernel bool   // a struct of the kernel, found in its BTF by the name C: no Fields, no Size
	Fields []Field
	Size   int
	Align  int
	Pos    source.Pos
	Doc    string
}

// A Field is a member of a struct. Of a bit-field, Offset and Type are the
// smallest scalar in memory that holds all its bits.
type Field struct {
	Name   string // upper case, as symbols are compared
	C      string
	Type   *Type
	Offset int
	Bits   int   // width of a bit-field, 0 for other fields
	Shift  int   // of a bit-field: the bits below it in its scalar
	Of     *Type // of a bit-field: the type it was declared with
	Pos    source.Pos
	Doc    string
}

// Layout places the fields as C does. A bit-field of type T takes the next
// bits, unless it would then cross a border of T's size.
func (s *Struct) Layout() {
	bit, align, size := 0, 1, 0
	for i := range s.Fields {
		f := &s.Fields[i]
		if s.Union {
			bit = 0
		}
		t := f.Type
		if f.Bits > 0 {
			t = f.Of
		}
		a := t.Align()
		if f.Bits == 0 || bit/(8*a) != (bit+f.Bits-1)/(8*a) {
			bit = (bit + 8*a - 1) / (8 * a) * (8 * a)
		}
		if f.Bits > 0 {
			f.place(bit)
			bit += f.Bits
		} else {
			f.Offset = bit / 8
			bit += 8 * t.Size
		}
		align = max(align, a)
		size = max(size, (bit+7)/8)
	}
	s.Align = align
	s.Size = (size + align - 1) / align * align
}

// place chooses the scalar in memory through which a bit-field is accessed.
func (f *Field) place(bit int) {
	for n := 1; ; n *= 2 {
		if w := 8 * n; bit/w == (bit+f.Bits-1)/w {
			f.Type, f.Offset, f.Shift = ScalarOf(n, f.Of.Signed), bit/w*n, bit%w
			return
		}
	}
}

// HasBits reports whether some field is a bit-field.
func (s *Struct) HasBits() bool {
	for _, f := range s.Fields {
		if f.Bits > 0 {
			return true
		}
	}
	return false
}

// Field finds a field by its symbol's name.
func (s *Struct) Field(name string) *Field {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// Has reports whether a pointer to s is a pointer to t: it is the same
// struct, or begins with one.
func (s *Struct) Has(t *Struct) bool {
	if s == t {
		return true
	}
	for i, f := range s.Fields {
		if (i == 0 || s.Union) && f.Bits == 0 && f.Type.Kind == StructKind && f.Type.Struct.Has(t) {
			return true
		}
	}
	return false
}

// Type is the type of s itself.
func (s *Struct) Type() *Type { return &Type{Kind: StructKind, Size: s.Size, Struct: s} }

// An Enum is a declared enumeration.
type Enum struct {
	Name   string // as the user wrote it
	C      string // in objects
	Values []EnumValue
	Type   *Type
	Pos    source.Pos
	Doc    string
}

// An EnumValue is one constant of an enumeration.
type EnumValue struct {
	Name, C string
	Value   int64
	Pos     source.Pos
}
