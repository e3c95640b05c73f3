package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Kind is the kind of a type, a BTF_KIND_ of <linux/btf.h>.
type Kind uint8

// The kinds that readers ask for.
const (
	Void      Kind = 0
	Int       Kind = kindInt
	Pointer   Kind = kindPtr
	ArrayKind Kind = kindArray
	Struct    Kind = kindStruct
	Union     Kind = kindUnion
	Enum      Kind = kindEnum
	Fwd       Kind = kindFwd
	Typedef   Kind = kindTypedef
	Volatile  Kind = 9
	Const     Kind = 10
	Restrict  Kind = 11
	Func      Kind = kindFunc
	FuncProto Kind = kindFuncProto
	Var       Kind = kindVar
	Datasec   Kind = kindDatasec
	Float     Kind = 16
	DeclTag   Kind = kindDeclTag
	TypeTag   Kind = 18
	Enum64    Kind = kindEnum64
)

var kindWords = map[Kind]string{Struct: "struct", Union: "union", Enum: "enum", Enum64: "enum", Typedef: "typedef",
	Func: "function", Var: "variable", Int: "integer"}

func (k Kind) String() string {
	if w := kindWords[k]; w != "" {
		return w
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Types is a kernel's BTF, read where it is asked: there is only an index of where
// each type stands, as far as somebody has asked. Two goroutines may not ask at once.
type Types struct {
	recs []byte
	strs []byte
	offs []uint32 // by ID, into recs; offs[0] is void's and unused
	kind []byte   // by ID
	next int      // where in recs the first type stands that the index has not
	err  error    // what is wrong with the types there

	prefixes map[prefixed]*prefixes // what Prefixed has walked for
}

// Read takes raw BTF, such as /sys/kernel/btf/vmlinux. What it gives answers
// any question without running outside of the bytes, whatever they are.
func Read(blob []byte) (*Types, error) {
	t, err := Open(blob)
	if err == nil {
		t.Len()
		err = t.err
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Open is Read for who asks for few types: most stand where the walk over all has
// not come far. Where they turn out to be malformed they end, and Err says so.
func Open(blob []byte) (*Types, error) {
	if len(blob) < 24 {
		return nil, errors.New("too short to be BTF")
	}
	if binary.BigEndian.Uint16(blob) == magic {
		return nil, errors.New("big-endian BTF is not supported")
	}
	if le.Uint16(blob) != magic {
		return nil, errors.New("this is not BTF (no magic number at its start)")
	}
	word := func(i int) uint64 { return uint64(le.Uint32(blob[4*i:])) }
	hdr := word(1)
	cut := func(off, n uint64) ([]byte, error) {
		if hdr < 24 || hdr+off+n > uint64(len(blob)) {
			return nil, errors.New("the BTF is cut off")
		}
		return blob[hdr+off : hdr+off+n], nil
	}
	recs, err := cut(word(2), word(3))
	if err != nil {
		return nil, err
	}
	strs, err := cut(word(4), word(5))
	if err != nil {
		return nil, err
	}
	if len(strs) == 0 || strs[0] != 0 || strs[len(strs)-1] != 0 {
		return nil, errors.New("malformed BTF: strings must begin and end with a zero byte")
	}
	// A type has 24 bytes on the mean in kernels of today.
	most := len(recs)/24 + 64
	return &Types{recs: recs, strs: strs, offs: make([]uint32, 1, most), kind: make([]byte, 1, most)}, nil
}

// Err is what is wrong with the types that somebody has asked for, or that stand
// before them.
func (t *Types) Err() error { return t.err }

// atOnce is by how many types the index grows.
const atOnce = 4096

// more makes the index longer; false where there are no more types.
func (t *Types) more() bool {
	from, off := len(t.offs), t.next
	if off == len(t.recs) {
		return false
	}
	if from == cap(t.offs) || from == cap(t.kind) {
		t.offs, t.kind = slices.Grow(t.offs, from), slices.Grow(t.kind, from)
	}
	to := min(from+atOnce, cap(t.offs), cap(t.kind))
	recs, offs, kinds, n := t.recs, t.offs[:to], t.kind[:to], from
	for ; off+12 <= len(recs) && n < len(offs) && n < len(kinds); n++ {
		info := le.Uint32(recs[off+4 : off+8])
		k := info >> 24 & 31
		size := &sizes[k]
		if size.head == 0 {
			t.err = fmt.Errorf("malformed BTF: type %d has the unknown kind %d", n, k)
			break
		}
		offs[n], kinds[n] = uint32(off), byte(k)
		off += int(size.head) + int(size.each)*int(info&0xffff)
	}
	switch {
	case t.err != nil:
	case off > len(recs):
		n--
		t.err = fmt.Errorf("malformed BTF: type %d is cut off", n)
	case off < len(recs) && off+12 > len(recs):
		t.err = errors.New("malformed BTF: the last type is cut off")
	}
	if t.offs, t.kind, t.next = offs[:n], kinds[:n], off; t.err != nil {
		t.next = len(recs)
	}
	return n > from
}

// sizes says by kind how many bytes a type has: for its head, and for each of
// what it has several of. Where there is no head, there is no such kind.
var sizes = [32]struct{ head, each uint8 }{
	Int: {16, 0}, Var: {16, 0}, DeclTag: {16, 0},
	Pointer: {12, 0}, Fwd: {12, 0}, Typedef: {12, 0}, Volatile: {12, 0}, Const: {12, 0}, Restrict: {12, 0}, Func: {12, 0}, Float: {12, 0}, TypeTag: {12, 0},
	ArrayKind: {24, 0},
	Struct:    {12, 12}, Union: {12, 12}, Datasec: {12, 12}, Enum64: {12, 12},
	Enum: {12, 8}, FuncProto: {12, 8},
}

// Len bounds the IDs.
func (t *Types) Len() int {
	for t.more() {
	}
	return len(t.offs)
}

// has makes the index as long as it must be for id; false if there is no such type.
func (t *Types) has(id ID) bool {
	for int(id) >= len(t.offs) {
		if !t.more() {
			return false
		}
	}
	return id > 0
}

func (t *Types) rec(id ID) []byte {
	if !t.has(id) {
		return nil
	}
	return t.recs[t.offs[id]:]
}

// Kind of a type; Void where there is none.
func (t *Types) Kind(id ID) Kind {
	r := t.rec(id)
	if r == nil {
		return Void
	}
	return Kind(le.Uint32(r[4:]) >> 24 & 31)
}

func (t *Types) vlen(r []byte) int { return int(le.Uint32(r[4:]) & 0xffff) }

func (t *Types) str(off uint32) string {
	if uint64(off) >= uint64(len(t.strs)) {
		return ""
	}
	s := t.strs[off:]
	return string(s[:bytes.IndexByte(s, 0)])
}

// Name of a type, "" for anonymous ones.
func (t *Types) Name(id ID) string {
	if r := t.rec(id); r != nil {
		return t.str(le.Uint32(r))
	}
	return ""
}

// Ref is the type that a pointer, typedef, qualifier, function, variable or
// tag refers to, or the result of a function's type.
func (t *Types) Ref(id ID) ID {
	switch t.Kind(id) {
	case Pointer, Typedef, Volatile, Const, Restrict, Func, FuncProto, Var, DeclTag, TypeTag:
		return ID(le.Uint32(t.rec(id)[8:]))
	}
	return 0
}

// maxDepth bounds chains of types, which may be endless in hostile BTF.
const maxDepth = 64

// Strip follows typedefs, qualifiers and tags.
func (t *Types) Strip(id ID) ID {
	for range maxDepth {
		switch t.Kind(id) {
		case Typedef, Volatile, Const, Restrict, TypeTag:
			id = t.Ref(id)
		default:
			return id
		}
	}
	return 0
}

// Unqualify follows qualifiers and tags, but not typedefs.
func (t *Types) Unqualify(id ID) ID {
	for range maxDepth {
		switch t.Kind(id) {
		case Volatile, Const, Restrict, TypeTag:
			id = t.Ref(id)
		default:
			return id
		}
	}
	return 0
}

// Size of a value of the type in bytes; 0 where it has none.
func (t *Types) Size(id ID) int {
	n := 1
	for range maxDepth {
		id = t.Strip(id)
		switch t.Kind(id) {
		case Int, Struct, Union, Enum, Enum64, Float, Datasec:
			size := int(le.Uint32(t.rec(id)[8:]))
			if size > 1<<30 || n > 1<<30 {
				return 0
			}
			return n * size
		case Pointer:
			return n * 8
		case ArrayKind:
			elem, count := t.Array(id)
			if n *= count; n > 1<<30 {
				return 0
			}
			id = elem
		default:
			return 0
		}
	}
	return 0
}

// Array gives the element type and the count of an array.
func (t *Types) Array(id ID) (elem ID, n int) {
	if t.Kind(id) != ArrayKind {
		return 0, 0
	}
	r := t.rec(id)
	return ID(le.Uint32(r[12:])), int(le.Uint32(r[20:]))
}

// Signed reports whether an integer or enum is signed.
func (t *Types) Signed(id ID) bool {
	r := t.rec(id)
	switch t.Kind(id) {
	case Int:
		return le.Uint32(r[12:])&intSigned != 0
	case Enum, Enum64:
		return r[7]&0x80 != 0
	}
	return false
}

// Bool reports whether an integer is a _Bool.
func (t *Types) Bool(id ID) bool { return t.Kind(id) == Int && le.Uint32(t.rec(id)[12:])&(4<<24) != 0 }

// A Field is a member of a struct or union. Bits is the width of a
// bit-field, 0 for other members; Offset counts bits.
type Field struct {
	Name         string
	Type         ID
	Offset, Bits int
}

// Fields lists the members of a struct or union.
func (t *Types) Fields(id ID) []Field {
	if k := t.Kind(id); k != Struct && k != Union {
		return nil
	}
	r := t.rec(id)
	out := make([]Field, t.vlen(r))
	for i := range out {
		m := r[12+12*i:]
		f := Field{Name: t.str(le.Uint32(m)), Type: ID(le.Uint32(m[4:])), Offset: int(le.Uint32(m[8:]))}
		if r[7]&0x80 != 0 { // kind_flag: width above 24 bits of offset
			f.Offset, f.Bits = f.Offset&0xffffff, f.Offset>>24
		}
		out[i] = f
	}
	return out
}

// An Enumerator is a constant of an enum.
type Enumerator struct {
	Name  string
	Value int64
}

// Enumerators lists the constants of an enum.
func (t *Types) Enumerators(id ID) (out []Enumerator) {
	r := t.rec(id)
	switch t.Kind(id) {
	case Enum:
		for i := range t.vlen(r) {
			m := r[12+8*i:]
			v := int64(le.Uint32(m[4:]))
			if r[7]&0x80 != 0 {
				v = int64(int32(v))
			}
			out = append(out, Enumerator{t.str(le.Uint32(m)), v})
		}
	case Enum64:
		for i := range t.vlen(r) {
			m := r[12+12*i:]
			out = append(out, Enumerator{t.str(le.Uint32(m)), int64(le.Uint64(m[4:]))})
		}
	}
	return out
}

// Params lists the parameters of a function's type.
func (t *Types) Params(id ID) (out []Param) {
	if t.Kind(id) != FuncProto {
		return nil
	}
	r := t.rec(id)
	for i := range t.vlen(r) {
		m := r[12+8*i:]
		out = append(out, Param{t.str(le.Uint32(m)), ID(le.Uint32(m[4:]))})
	}
	return out
}

// Tagged reports whether a declaration tag stands on the whole of id.
func (t *Types) Tagged(id ID, tag string) bool {
	for i := ID(1); t.has(i); i++ {
		r := t.recs[t.offs[i]:]
		if Kind(le.Uint32(r[4:])>>24&31) == DeclTag && ID(le.Uint32(r[8:])) == id && le.Uint32(r[12:]) == ^uint32(0) && t.str(le.Uint32(r)) == tag {
			return true
		}
	}
	return false
}

// fold makes Lisp names and C names comparable.
func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }

// Find gives the types of the kinds whose name is name. Where none is, those
// are given whose name differs in case only.
func (t *Types) Find(name string, kinds ...Kind) (ids []ID) {
	if name == "" {
		return nil
	}
	t.Len()
	want := fold(name)
	var folded []ID
	for _, k := range kinds {
		for id := 1; ; id++ {
			next := bytes.IndexByte(t.kind[id:], byte(k))
			if next < 0 {
				break
			}
			id += next
			off := le.Uint32(t.recs[t.offs[id]:])
			if uint64(off)+uint64(len(name)) >= uint64(len(t.strs)) || t.strs[off+uint32(len(name))] != 0 {
				continue
			}
			switch s := t.strs[off : off+uint32(len(name))]; {
			case string(s) == name:
				ids = append(ids, ID(id))
			case s[0]|0x20 == want[0]|0x20 && fold(string(s)) == want:
				folded = append(folded, ID(id))
			}
		}
	}
	slices.Sort(ids)
	slices.Sort(folded)
	if ids != nil {
		return ids
	}
	return folded
}

// Named gives the types of the kinds whose name is name, in order, and looks no
// further than to the last that is taken.
func (t *Types) Named(name string, kinds ...Kind) iter.Seq[ID] {
	mask, whole := maskOf(kinds), name+"\x00"
	return func(yield func(ID) bool) {
		for id := ID(1); name != "" && t.has(id); id++ {
			if mask>>t.kind[id]&1 != 0 && t.nameStarts(id, 0, whole) && !yield(id) {
				return
			}
		}
	}
}

func maskOf(kinds []Kind) (mask uint32) {
	for _, k := range kinds {
		mask |= 1 << k
	}
	return mask
}

// Prefixed gives the types of kind k with the name prefix+rest, as Named does. One
// walk over the types serves all names with the prefix.
func (t *Types) Prefixed(prefix, rest string, k Kind) iter.Seq[ID] {
	key := prefixed{prefix, k}
	all := t.prefixes[key]
	if all == nil {
		if all = (&prefixes{walked: 1}); t.prefixes == nil {
			t.prefixes = map[prefixed]*prefixes{}
		}
		t.prefixes[key] = all
	}
	rest += "\x00"
	return func(yield func(ID) bool) {
		for i := 0; ; i++ {
			for ; i == len(all.ids); all.walked++ {
				id := all.walked
				if !t.has(id) {
					return
				}
				if t.kind[id] == byte(k) && t.nameStarts(id, 0, prefix) {
					all.ids = append(all.ids, id)
				}
			}
			if id := all.ids[i]; t.nameStarts(id, len(prefix), rest) && !yield(id) {
				return
			}
		}
	}
}

// prefixes are the types with a prefix among those with numbers below walked.
type prefixes struct {
	ids    []ID
	walked ID
}

// nameStarts reports whether the name of a type, which there must be, goes on
// with text behind its first skip bytes.
func (t *Types) nameStarts(id ID, skip int, text string) bool {
	from := uint64(le.Uint32(t.recs[t.offs[id]:])) + uint64(skip)
	end := from + uint64(len(text))
	return end <= uint64(len(t.strs)) && string(t.strs[from:end]) == text
}

type prefixed struct {
	prefix string
	kind   Kind
}

// FindOne gives the one type of the kinds with the name. Declarations
// without members count only if there is nothing else.
func (t *Types) FindOne(name string, kinds ...Kind) (ID, bool) {
	for id := range t.Named(name, kinds...) {
		if t.vlen(t.rec(id)) > 0 {
			return id, true
		}
	}
	ids := t.Find(name, kinds...)
	for _, id := range ids {
		if t.vlen(t.rec(id)) > 0 || len(ids) == 1 {
			return id, true
		}
	}
	return 0, false
}

// Names lists the names of the types of the kinds, for suggestions.
func (t *Types) Names(kinds ...Kind) (names []string) {
	mask := maskOf(kinds)
	for id := ID(1); t.has(id); id++ {
		if mask>>t.kind[id]&1 != 0 {
			if n := t.Name(id); n != "" {
				names = append(names, n)
			}
		}
	}
	return names
}

// C writes a type as C does in a declaration without a name.
func (t *Types) C(id ID) string { return t.c(id, 0) }

func (t *Types) c(id ID, depth int) string {
	if depth > maxDepth {
		return "..."
	}
	name := t.Name(id)
	switch k := t.Kind(id); k {
	case Void:
		return "void"
	case Struct, Union, Enum, Enum64:
		if name == "" {
			name = "{...}"
		}
		return k.String() + " " + name
	case Fwd:
		return "struct " + name
	case Pointer:
		if t.Kind(t.Ref(id)) == FuncProto {
			return "function pointer"
		}
		return strings.TrimSuffix(t.c(t.Ref(id), depth+1), " ") + " *"
	case ArrayKind:
		elem, n := t.Array(id)
		return fmt.Sprintf("%s[%d]", t.c(elem, depth+1), n)
	case Volatile, Const, Restrict, TypeTag:
		return t.c(t.Ref(id), depth+1)
	}
	return name
}

// InSection reports whether a variable stands in the section of that name.
func (t *Types) InSection(v ID, section string) bool {
	for _, id := range t.Find(section, Datasec) {
		r := t.rec(id)
		for i := range t.vlen(r) {
			if ID(le.Uint32(r[12+12*i:])) == v {
				return true
			}
		}
	}
	return false
}
