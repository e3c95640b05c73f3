// Package btf writes BTF, the kernel's type information: a table of types
// and strings, and the records of .BTF.ext that tie code to sources.
// The format is that of <linux/btf.h>.
package btf

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/whistler-lang/whistler/internal/types"
)

// An ID names a type in the table; 0 is void.
type ID uint32

const (
	kindInt       = 1
	kindPtr       = 2
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindFwd       = 7
	kindTypedef   = 8
	kindFunc      = 12
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindDeclTag   = 17
	kindEnum64    = 19

	magic     = 0xeb9f
	intSigned = 1 << 24
	intBool   = 4 << 24
)

// Linkages of functions and variables.
const (
	Static = 0
	Global = 1
	Extern = 2
)

// A Builder collects types. Equal scalars, pointers and arrays are shared.
type Builder struct {
	types   []byte
	strs    []byte
	offs    map[string]uint32
	next    ID
	memo    map[Key]ID
	structs map[*types.Struct]ID

	btf, ext            []byte // what Marshal and MarshalExt gave
	funcs, lines, cores []byte // the parts of ext
}

var builders sync.Pool // what Free has given back

// NewBuilder makes an empty table.
func NewBuilder() *Builder {
	b, _ := builders.Get().(*Builder)
	if b == nil {
		b = &Builder{types: make([]byte, 0, 1<<10), strs: make([]byte, 0, 1<<10), offs: map[string]uint32{}, memo: map[Key]ID{}, structs: map[*types.Struct]ID{}}
	}
	b.strs, b.offs[""], b.next = append(b.strs, 0), 0, 1
	return b
}

// Free gives b's memory to the table that is made next: nobody may use b any more.
func (b *Builder) Free() {
	if len(b.strs) > 1<<16 { // a giant's
		return
	}
	b.types, b.strs = b.types[:0], b.strs[:0]
	clear(b.offs)
	clear(b.memo)
	clear(b.structs)
	builders.Put(b)
}

var le = binary.LittleEndian

// Str gives the offset of s in the string table.
func (b *Builder) Str(s string) uint32 {
	if off, ok := b.offs[s]; ok {
		return off
	}
	off := uint32(len(b.strs))
	b.strs = append(append(b.strs, s...), 0)
	b.offs[s] = off
	return off
}

func (b *Builder) put(words ...uint32) {
	for _, w := range words {
		b.types = le.AppendUint32(b.types, w)
	}
}

// head begins a type; sizeOrType is the third word of struct btf_type.
func (b *Builder) head(name string, kind, vlen int, flag bool, sizeOrType uint32) ID {
	info := uint32(kind)<<24 | uint32(vlen)
	if flag {
		info |= 1 << 31
	}
	b.put(b.Str(name), info, sizeOrType)
	b.next++
	return b.next - 1
}

// A Key names a type that is made once: by what it is, its name, and those that
// it is of.
type Key struct {
	What, Name string
	Of         [2]ID
}

// Once makes the type of a key the first time, and gives it again later.
func (b *Builder) Once(key Key, make func() ID) ID {
	if id, ok := b.memo[key]; ok {
		return id
	}
	id := make()
	b.memo[key] = id
	return id
}

// Int is a C integer type.
func (b *Builder) Int(name string, size int, signed bool) ID {
	return b.Once(Key{What: "int", Name: name}, func() ID {
		id := b.head(name, kindInt, 0, false, uint32(size))
		enc := uint32(size * 8)
		if signed {
			enc |= intSigned
		}
		b.put(enc)
		return id
	})
}

// Bool is C's _Bool.
func (b *Builder) Bool(name string, size int) ID {
	return b.Once(Key{What: "int", Name: name}, func() ID {
		id := b.head(name, kindInt, 0, false, uint32(size))
		b.put(uint32(size*8) | intBool)
		return id
	})
}

// ints are the integers of so many bytes, unsigned and signed: C's, and the
// kernel's names of them.
var ints = map[int]struct{ c, kernel [2]string }{
	1: {[2]string{"unsigned char", "signed char"}, [2]string{"__u8", "__s8"}},
	2: {[2]string{"unsigned short", "short"}, [2]string{"__u16", "__s16"}},
	4: {[2]string{"unsigned int", "int"}, [2]string{"__u32", "__s32"}},
	8: {[2]string{"unsigned long long", "long long"}, [2]string{"__u64", "__s64"}},
}

// Scalar is a scalar under its kernel name, such as __u32.
func (b *Builder) Scalar(size int, signed bool) ID {
	i := 0
	if signed {
		i = 1
	}
	name := ints[size].kernel[i]
	return b.Once(Key{What: "typedef", Name: name}, func() ID {
		base := b.Int(ints[size].c[i], size, signed)
		return b.head(name, kindTypedef, 0, false, uint32(base))
	})
}

// Ptr is a pointer to a type; 0 makes it void *.
func (b *Builder) Ptr(to ID) ID {
	return b.Once(Key{What: "ptr", Of: [2]ID{to}}, func() ID { return b.head("", kindPtr, 0, false, uint32(to)) })
}

// Array is n elements of a type.
func (b *Builder) Array(elem ID, n int) ID {
	return b.Once(Key{What: "array", Of: [2]ID{elem, ID(n)}}, func() ID {
		index := b.Int("__ARRAY_SIZE_TYPE__", 4, false)
		id := b.head("", kindArray, 0, false, 0)
		b.put(uint32(elem), uint32(index), uint32(n))
		return id
	})
}

// Fwd is a struct that is only named.
func (b *Builder) Fwd(name string) ID {
	return b.Once(Key{What: "fwd", Name: name}, func() ID { return b.head(name, kindFwd, 0, false, 0) })
}

// A Member of a struct; Offset is in bytes.
type Member struct {
	Name   string
	Type   ID
	Offset int
}

// Struct is a struct of size bytes.
func (b *Builder) Struct(name string, size int, members []Member) ID {
	id := b.head(name, kindStruct, len(members), false, uint32(size))
	for _, m := range members {
		b.put(b.Str(m.Name), uint32(m.Type), uint32(m.Offset*8))
	}
	return id
}

// A Param of a function.
type Param struct {
	Name string
	Type ID
}

// FuncProto is a function's type.
func (b *Builder) FuncProto(result ID, params []Param) ID {
	id := b.head("", kindFuncProto, len(params), false, uint32(result))
	for _, p := range params {
		b.put(b.Str(p.Name), uint32(p.Type))
	}
	return id
}

// Func is a function.
func (b *Builder) Func(name string, proto ID, linkage int) ID {
	return b.head(name, kindFunc, linkage, false, uint32(proto))
}

// Var is a variable.
func (b *Builder) Var(name string, typ ID, linkage uint32) ID {
	id := b.head(name, kindVar, 0, false, uint32(typ))
	b.put(linkage)
	return id
}

// A SecVar is a variable in a section.
type SecVar struct {
	Var          ID
	Offset, Size uint32
}

// Datasec is a section of variables.
func (b *Builder) Datasec(name string, size uint32, vars []SecVar) ID {
	id := b.head(name, kindDatasec, len(vars), false, size)
	for _, v := range vars {
		b.put(uint32(v.Var), v.Offset, v.Size)
	}
	return id
}

// DeclTag tags a whole declaration.
func (b *Builder) DeclTag(tag string, of ID) ID {
	id := b.head(tag, kindDeclTag, 0, false, uint32(of))
	b.put(0xffffffff)
	return id
}

// Type adds a type of the language.
func (b *Builder) Type(t *types.Type) ID {
	switch t.Kind {
	case types.StructKind:
		return b.StructOf(t.Struct)
	case types.Array:
		return b.Array(b.Type(t.Elem), t.Len)
	case types.Ptr:
		if t.Elem == nil {
			return b.Ptr(0)
		}
		return b.Ptr(b.Type(t.Elem))
	}
	if t.Enum != nil {
		return b.EnumOf(t.Enum)
	}
	return b.Scalar(t.Size, t.Signed)
}

// Marshal gives the .BTF section, which is good until Free.
func (b *Builder) Marshal() []byte {
	out := le.AppendUint16(slices.Grow(b.btf[:0], 24+len(b.types)+len(b.strs)), magic)
	out = append(out, 1, 0) // version, flags
	for _, w := range []uint32{24, 0, uint32(len(b.types)), uint32(len(b.types)), uint32(len(b.strs))} {
		out = le.AppendUint32(out, w)
	}
	b.btf = append(append(out, b.types...), b.strs...)
	return b.btf
}

// A FuncInfo says which function begins at byte Off of a section.
type FuncInfo struct {
	Off  uint32
	Func ID
}

// A LineInfo says where the code from byte Off of a section on comes from.
type LineInfo struct {
	Off        uint32
	File, Text string
	Line, Col  int
}

// A SecInfo is the records of one section.
type SecInfo struct {
	Section string
	Funcs   []FuncInfo
	Lines   []LineInfo
	Cores   []CoreRecord
}

// MarshalExt gives the .BTF.ext section, which is good until Free. It may add
// strings, so that it comes before Marshal.
func (b *Builder) MarshalExt(secs []SecInfo) []byte {
	u32 := func(out []byte, ws ...uint32) []byte {
		for _, w := range ws {
			out = le.AppendUint32(out, w)
		}
		return out
	}
	funcs, lines, cores := u32(b.funcs[:0], 8), u32(b.lines[:0], 16), u32(b.cores[:0], 16)
	for _, s := range secs {
		if len(s.Funcs) > 0 {
			funcs = u32(funcs, b.Str(s.Section), uint32(len(s.Funcs)))
			for _, f := range s.Funcs {
				funcs = u32(funcs, f.Off, uint32(f.Func))
			}
		}
		if len(s.Lines) > 0 {
			lines = u32(slices.Grow(lines, 8+16*len(s.Lines)), b.Str(s.Section), uint32(len(s.Lines)))
			for _, l := range s.Lines {
				// 22 bits of line, 10 of column
				lines = u32(lines, l.Off, b.Str(l.File), b.Str(l.Text), uint32(min(l.Line, 1<<22-1))<<10|uint32(min(l.Col, 1<<10-1)))
			}
		}
	}
	for _, s := range secs {
		if len(s.Cores) > 0 {
			cores = u32(cores, b.Str(s.Section), uint32(len(s.Cores)))
			for _, c := range s.Cores {
				cores = u32(cores, c.Off, uint32(c.Type), b.Str(c.Access), c.Kind)
			}
		}
	}
	b.funcs, b.lines, b.cores = funcs, lines, cores
	if len(cores) == 4 {
		cores = nil
	}
	out := le.AppendUint16(slices.Grow(b.ext[:0], 32+len(funcs)+len(lines)+len(cores)), magic)
	out = append(out, 1, 0)
	out = u32(out, 32, 0, uint32(len(funcs)), uint32(len(funcs)), uint32(len(lines)), uint32(len(funcs)+len(lines)), uint32(len(cores)))
	b.ext = append(append(append(out, funcs...), lines...), cores...)
	return b.ext
}
