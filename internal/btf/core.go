package btf

import (
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/types"
)

// A Core is a number that the loader finds in the BTF of the kernel it loads
// into: a CO-RE relocation. Kind is a BPF_CORE_ constant of enum
// bpf_core_relo_kind; Root the type it begins at, or Decl where the source
// declares the struct itself; Path the members, array elements or the
// enumerator that lead from there.
type Core struct {
	Kind string
	Root ID
	Decl *types.Struct
	Enum *types.Enum // declared in the source, in place of Root
	Path []int
}

// The kinds, named as in <linux/bpf.h>.
const (
	FieldByteOffset  = "BPF_CORE_FIELD_BYTE_OFFSET"
	FieldByteSize    = "BPF_CORE_FIELD_BYTE_SIZE"
	FieldExists      = "BPF_CORE_FIELD_EXISTS"
	FieldSigned      = "BPF_CORE_FIELD_SIGNED"
	FieldLShift      = "BPF_CORE_FIELD_LSHIFT_U64"
	FieldRShift      = "BPF_CORE_FIELD_RSHIFT_U64"
	TypeIDLocal      = "BPF_CORE_TYPE_ID_LOCAL"
	TypeIDTarget     = "BPF_CORE_TYPE_ID_TARGET"
	TypeExists       = "BPF_CORE_TYPE_EXISTS"
	TypeSize         = "BPF_CORE_TYPE_SIZE"
	TypeMatches      = "BPF_CORE_TYPE_MATCHES"
	EnumValueExists  = "BPF_CORE_ENUMVAL_EXISTS"
	EnumValue        = "BPF_CORE_ENUMVAL_VALUE"
	corePrefix       = "BPF_CORE_"
	coreFieldPrefix  = "BPF_CORE_FIELD_"
	coreEnumvPrefix  = "BPF_CORE_ENUMVAL_"
	coreTypePrefix   = "BPF_CORE_TYPE_"
	maxPath          = 64
	maxLocalTypeSize = 1 << 24
)

// OfField reports whether c is about a member, and not about a whole type
// or an enumerator.
func (c *Core) OfField() bool { return strings.HasPrefix(c.Kind, coreFieldPrefix) }

// OfEnum reports whether c is about an enumerator.
func (c *Core) OfEnum() bool { return strings.HasPrefix(c.Kind, coreEnumvPrefix) }

// Key tells relocations apart; equal ones have equal keys.
func (c *Core) Key(t *Types) string {
	name := ""
	switch {
	case c.Decl != nil:
		name = c.Decl.C
	case c.Enum != nil:
		name = c.Enum.C
	default:
		name = fmt.Sprintf("%s#%d", t.Name(c.Root), c.Root)
	}
	s := strings.ToLower(strings.TrimPrefix(c.Kind, corePrefix)) + " " + name
	for _, i := range c.Path {
		s += fmt.Sprintf(":%d", i)
	}
	return s
}

// place is where a field is and what it holds.
type place struct {
	off, bits int // in bits; bits is 0 but for bit-fields
	size      int // bytes of its type
	signed    bool
}

// value is what libbpf's bpf_core_calc_field_relo computes for little-endian
// machines.
func (p place) value(kind string) int64 {
	byteOff, byteSize, bits := p.off/8, p.size, 8*p.size
	if p.bits > 0 {
		bits = p.bits
		byteSize = max(byteSize, 1)
		byteOff = p.off / 8 / byteSize * byteSize
		for p.off+bits-8*byteOff > 8*byteSize && byteSize < 8 {
			byteSize *= 2
			byteOff = p.off / 8 / byteSize * byteSize
		}
	}
	switch kind {
	case FieldByteOffset:
		return int64(byteOff)
	case FieldByteSize:
		return int64(byteSize)
	case FieldSigned:
		if p.signed {
			return 1
		}
		return 0
	case FieldLShift:
		return int64(64 - (p.off + bits - 8*byteOff))
	case FieldRShift:
		return int64(64 - bits)
	}
	return 1 // exists
}

// Value is what c is in the kernel that t describes.
func (t *Types) Value(c *Core) int64 {
	switch {
	case c.Decl != nil, c.Enum != nil:
		return 0 // this kernel does not have it
	case c.OfEnum():
		if es := t.Enumerators(t.Strip(c.Root)); c.Kind == EnumValue && len(c.Path) > 0 && c.Path[0] < len(es) {
			return es[c.Path[0]].Value
		}
		return 1
	case c.OfField():
		return t.place(c.Root, c.Path).value(c.Kind)
	case c.Kind == TypeSize:
		return int64(t.Size(c.Root))
	case c.Kind == TypeIDTarget, c.Kind == TypeIDLocal:
		return int64(c.Root)
	}
	return 1
}

// place follows a path.
func (t *Types) place(id ID, path []int) (p place) {
	for _, i := range path {
		id = t.Strip(id)
		if t.Kind(id) == ArrayKind {
			elem, _ := t.Array(id)
			p.off += 8 * i * t.Size(elem)
			id, p.bits = elem, 0
			continue
		}
		fs := t.Fields(id)
		if i >= len(fs) {
			return p
		}
		p.off, p.bits, id = p.off+fs[i].Offset, fs[i].Bits, fs[i].Type
	}
	id = t.Strip(id)
	p.size, p.signed = t.Size(id), t.Signed(id)
	return p
}

// A Local is the part of a kernel's types that an object holds: of structs
// the members that are used, laid out as C would lay out just those.
type Local struct {
	t      *Types
	b      *Builder
	keep   map[ID]map[int]bool // members of structs, enumerators of enums
	whole  map[ID]bool         // structs that more than pointers refer to
	order  []ID                // of the types that are written at the end
	ids    map[ID]ID
	layout map[ID]*layout
	protos map[ID]bool // pointers to functions whose types are written
}

// A Table is a struct of the kernel that a variable of the object is, with
// the members that it has.
type Table struct {
	Struct  ID
	Members []int
}

type layout struct {
	members     []int // of the kernel's struct
	offs        []int // in bits
	size, align int
}

// NewLocal chooses what the relocations need, and besides them the types
// that stand in roots: functions' types, variables' types; and tables, with
// the types of their functions.
func (b *Builder) NewLocal(t *Types, cores []*Core, roots []ID, tables []Table) *Local {
	l := &Local{t: t, b: b, keep: map[ID]map[int]bool{}, whole: map[ID]bool{}, ids: map[ID]ID{}, layout: map[ID]*layout{}, protos: map[ID]bool{}}
	for _, c := range cores {
		if c.Decl == nil && c.Enum == nil {
			l.mark(c.Root, c.Path)
		}
	}
	for _, x := range tables {
		fs := t.Fields(t.Strip(x.Struct))
		for _, i := range x.Members {
			l.mark(x.Struct, []int{i})
			l.protos[t.Strip(fs[i].Type)] = true
		}
	}
	for _, c := range cores {
		switch {
		case c.Decl != nil:
			b.StructOf(c.Decl)
		case c.Enum != nil:
			b.EnumOf(c.Enum)
		default:
			l.plan(c.Root, 0)
		}
	}
	for _, id := range roots {
		l.root(id)
		l.plan(id, 0)
	}
	for _, x := range tables {
		l.plan(x.Struct, 0)
	}
	next := b.next
	for _, id := range l.order {
		l.ids[id] = next
		next++
	}
	for _, id := range l.order {
		l.write(id)
	}
	return l
}

// root marks the structs that a function's or variable's type points to: for
// these, loaders compare kinds, and a declaration would not do.
func (l *Local) root(id ID) {
	for range maxDepth {
		switch l.t.Kind(id) {
		case Pointer, Typedef, Volatile, Const, Restrict, TypeTag, Func, Var:
			id = l.t.Ref(id)
			continue
		case FuncProto:
			for _, p := range l.t.Params(id) {
				l.root(p.Type)
			}
			id = l.t.Ref(id)
			continue
		}
		l.whole[id] = true
		return
	}
}

func (l *Local) mark(id ID, path []int) {
	id = l.t.Strip(id)
	l.whole[id] = true
	for _, i := range path {
		id = l.t.Strip(id)
		if l.t.Kind(id) == ArrayKind {
			id, _ = l.t.Array(id)
			continue
		}
		if l.keep[id] == nil {
			l.keep[id] = map[int]bool{}
		}
		l.keep[id][i] = true
		l.whole[id] = true
		fs := l.t.Fields(id)
		if i >= len(fs) {
			return // an enumerator
		}
		id = fs[i].Type
	}
}

// plan puts the type and what it needs in order. Small types without a
// struct in them are shared with the rest of the object and written at once.
func (l *Local) plan(id ID, depth int) {
	id = l.t.Unqualify(id)
	if _, done := l.ids[id]; done || id == 0 || depth > 200 {
		return
	}
	t := l.t
	switch k := t.Kind(id); k {
	case Int:
		size := t.Size(id)
		if t.Bool(id) {
			l.ids[id] = l.b.Bool(t.Name(id), size)
		} else {
			l.ids[id] = l.b.Int(t.Name(id), size, t.Signed(id))
		}
		return
	case Float, Void:
		l.ids[id] = l.b.Array(l.b.Scalar(1, false), t.Size(id))
		return
	case Typedef:
		if base := t.Unqualify(t.Ref(id)); t.Kind(base) == Int || t.Kind(base) == Typedef {
			l.plan(base, depth+1)
			if to := l.ids[base]; to != 0 && to < l.b.next {
				name := t.Name(id)
				l.ids[id] = l.b.Once(Key{What: "typedef", Name: name}, func() ID { return l.b.head(name, kindTypedef, 0, false, uint32(to)) })
				return
			}
		}
	}
	l.ids[id] = ^ID(0) // planned
	l.order = append(l.order, id)
	switch t.Kind(id) {
	case Pointer:
		to := t.Unqualify(t.Ref(id))
		if t.Kind(to) != FuncProto || l.protos[id] {
			l.plan(to, depth+1)
		}
	case Typedef:
		l.plan(t.Ref(id), depth+1)
	case ArrayKind:
		elem, _ := t.Array(id)
		l.plan(elem, depth+1)
		l.b.Int("__ARRAY_SIZE_TYPE__", 4, false)
	case Struct, Union:
		fs := t.Fields(id)
		for i := range fs {
			if l.keep[id][i] {
				l.embed(fs[i].Type)
				l.plan(fs[i].Type, depth+1)
			}
		}
	case FuncProto:
		for _, p := range t.Params(id) {
			l.plan(p.Type, depth+1)
		}
		l.plan(t.Ref(id), depth+1)
	case Func:
		l.plan(t.Ref(id), depth+1)
	}
}

// embed marks a struct that is a member, or an element of one, itself.
func (l *Local) embed(id ID) {
	for range maxDepth {
		id = l.t.Strip(id)
		if l.t.Kind(id) != ArrayKind {
			break
		}
		id, _ = l.t.Array(id)
	}
	l.whole[id] = true
}

func (l *Local) id(id ID) ID { return l.ids[l.t.Unqualify(id)] }

func (l *Local) write(id ID) {
	t, b := l.t, l.b
	name := t.Name(id)
	switch k := t.Kind(id); k {
	case Pointer:
		to := t.Unqualify(t.Ref(id))
		if t.Kind(to) == FuncProto && !l.protos[id] {
			b.head("", kindPtr, 0, false, 0)
		} else {
			b.head("", kindPtr, 0, false, uint32(l.id(to)))
		}
	case Typedef:
		b.head(name, kindTypedef, 0, false, uint32(l.id(t.Ref(id))))
	case ArrayKind:
		elem, n := t.Array(id)
		b.head("", kindArray, 0, false, 0)
		b.put(uint32(l.id(elem)), uint32(b.Int("__ARRAY_SIZE_TYPE__", 4, false)), uint32(n))
	case Fwd:
		b.head(name, kindFwd, 0, le.Uint32(t.rec(id)[4:])>>31 != 0, 0)
	case Struct, Union:
		l.writeStruct(id, k, name)
	case Enum, Enum64:
		l.writeEnum(id, name)
	case FuncProto:
		ps := t.Params(id)
		b.head("", kindFuncProto, len(ps), false, uint32(l.id(t.Ref(id))))
		for _, p := range ps {
			b.put(b.Str(p.Name), uint32(l.id(p.Type)))
		}
	case Func:
		b.head(name, kindFunc, Extern, false, uint32(l.id(t.Ref(id))))
	default:
		b.head(name, kindFwd, 0, false, 0)
	}
}

func (l *Local) writeStruct(id ID, k Kind, name string) {
	if !l.whole[id] && name != "" {
		l.b.head(name, kindFwd, 0, k == Union, 0)
		return
	}
	lay := l.lay(id, 0)
	fs := l.t.Fields(id)
	bits := false
	for _, i := range lay.members {
		bits = bits || fs[i].Bits > 0
	}
	l.b.head(name, int(k), len(lay.members), bits, uint32(lay.size))
	for n, i := range lay.members {
		off := uint32(lay.offs[n])
		if bits {
			off |= uint32(fs[i].Bits) << 24
		}
		l.b.put(l.b.Str(fs[i].Name), uint32(l.id(fs[i].Type)), off)
	}
}

func (l *Local) writeEnum(id ID, name string) {
	es := l.t.Enumerators(id)
	k := l.t.Kind(id)
	kept := l.enumerators(id)
	l.b.head(name, int(k), len(kept), l.t.Signed(id), uint32(l.t.Size(id)))
	for _, i := range kept {
		l.b.put(l.b.Str(es[i].Name), uint32(es[i].Value))
		if k == Enum64 {
			l.b.put(uint32(es[i].Value >> 32))
		}
	}
}

// enumerators lists those that are kept: C has no enum without any.
func (l *Local) enumerators(id ID) (kept []int) {
	for i := range l.t.Enumerators(id) {
		if l.keep[id][i] || i == 0 {
			kept = append(kept, i)
		}
	}
	return kept
}

// lay lays a struct out with its kept members, as C does.
func (l *Local) lay(id ID, depth int) *layout {
	if lay := l.layout[id]; lay != nil {
		return lay
	}
	lay := &layout{align: 1}
	l.layout[id] = lay // hostile BTF may hold a struct that contains itself
	fs := l.t.Fields(id)
	union := l.t.Kind(id) == Union
	bit, end := 0, 0
	for i, f := range fs {
		if !l.keep[id][i] {
			continue
		}
		size, align := l.sizeOf(f.Type, depth+1)
		if union {
			bit = 0
		}
		unit := 8 * max(align, 1)
		if f.Bits == 0 || bit/unit != (bit+f.Bits-1)/unit {
			bit = (bit + unit - 1) / unit * unit
		}
		lay.members = append(lay.members, i)
		lay.offs = append(lay.offs, bit)
		if f.Bits > 0 {
			bit += f.Bits
		} else {
			bit += 8 * size
		}
		end = max(end, (bit+7)/8)
		lay.align = max(lay.align, align)
	}
	lay.size = min((end+lay.align-1)/lay.align*lay.align, maxLocalTypeSize)
	return lay
}

// sizeOf is a type's size and alignment in the local layout.
func (l *Local) sizeOf(id ID, depth int) (size, align int) {
	id = l.t.Strip(id)
	switch l.t.Kind(id) {
	case Struct, Union:
		if depth > maxPath {
			return 0, 1
		}
		lay := l.lay(id, depth)
		return lay.size, lay.align
	case ArrayKind:
		if depth > maxPath {
			return 0, 1
		}
		elem, n := l.t.Array(id)
		s, a := l.sizeOf(elem, depth+1)
		return min(s*min(n, maxLocalTypeSize), maxLocalTypeSize), a
	}
	size = l.t.Size(id)
	return size, max(min(size, 8), 1)
}

// place is where the path leads in the local layout, and its steps there.
func (l *Local) place(id ID, path []int) (p place, access []int) {
	for _, i := range path {
		id = l.t.Strip(id)
		if l.t.Kind(id) == ArrayKind {
			id, _ = l.t.Array(id)
			size, _ := l.sizeOf(id, 0)
			p.off, p.bits = p.off+8*i*size, 0
			access = append(access, i)
			continue
		}
		lay := l.lay(id, 0)
		for n, m := range lay.members {
			if m == i {
				p.off, p.bits = p.off+lay.offs[n], l.t.Fields(id)[i].Bits
				access = append(access, n)
			}
		}
		id = l.t.Fields(id)[i].Type
	}
	id = l.t.Strip(id)
	p.size, _ = l.sizeOf(id, 0)
	p.signed = l.t.Signed(id)
	return p, access
}

// A CoreRecord is one of .BTF.ext: the byte offset of the instruction in its
// section, the type, the path to the member, the kind.
type CoreRecord struct {
	Off    uint32
	Type   ID
	Access string
	Kind   uint32
}

// Resolve gives the number that the instruction must hold before the loader
// writes the kernel's, and type and access string of the record.
func (l *Local) Resolve(c *Core) (value int64, typ ID, access string) {
	steps := c.Path
	switch {
	case c.Decl != nil:
		typ = l.b.StructOf(c.Decl)
		if c.OfField() {
			f := &c.Decl.Fields[c.Path[0]]
			p := place{off: 8 * f.Offset, size: f.Type.Size, signed: f.Type.Signed}
			value = p.value(c.Kind)
		} else {
			value, steps = l.typeValue(c, typ, c.Decl.Size), nil
		}
	case c.Enum != nil:
		typ = l.b.EnumOf(c.Enum)
		value = 1
		if c.Kind == EnumValue {
			value = c.Enum.Values[c.Path[0]].Value
		}
		return value, typ, fmt.Sprint(c.Path[0])
	case c.OfEnum():
		id := l.t.Strip(c.Root)
		typ, value = l.id(c.Root), 1
		for n, i := range l.enumerators(id) {
			if i == c.Path[0] {
				if c.Kind == EnumValue {
					value = l.t.Enumerators(id)[i].Value
				}
				return value, typ, fmt.Sprint(n)
			}
		}
	case c.OfField():
		var p place
		typ = l.id(c.Root)
		p, steps = l.place(c.Root, c.Path)
		value = p.value(c.Kind)
	default:
		typ = l.id(c.Root)
		size, _ := l.sizeOf(c.Root, 0)
		value, steps = l.typeValue(c, typ, size), nil
	}
	access = "0"
	for _, i := range steps {
		access += fmt.Sprintf(":%d", i)
	}
	return value, typ, access
}

func (l *Local) typeValue(c *Core, typ ID, size int) int64 {
	switch c.Kind {
	case TypeSize:
		return int64(size)
	case TypeIDLocal, TypeIDTarget:
		return int64(typ)
	}
	return 1
}

// ID is where a type of the kernel's stands in the object.
func (l *Local) ID(id ID) ID { return l.id(id) }

// Layout is the size of a struct in the object, and where its members stand
// there, in bytes.
func (l *Local) Layout(id ID) (size int, offs map[int]int) {
	lay := l.lay(l.t.Strip(id), 0)
	offs = map[int]int{}
	for n, i := range lay.members {
		offs[i] = lay.offs[n] / 8
	}
	return lay.size, offs
}
