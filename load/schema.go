package load

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// A SchemaError is a map that is there already and is not like the one that
// an object wants: of another type or size, or with other fields.
type SchemaError struct {
	Map  string // of the object
	Path string // where it is pinned, "" if it was given
	What string // the first difference: "field dport of the key: the map has offset 10, the object 8"
}

func (e *SchemaError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("the map given for `%s` is not like the object's: %s", e.Map, e.What)
	}
	return fmt.Sprintf("the map `%s` is pinned at %s and is not like the object's: %s\n"+
		"  what it holds is lost by:  rm %[2]s\n"+
		"  or pin the new one elsewhere: another name of the map, or another directory (run --pin DIR)", e.Map, e.Path, e.What)
}

// schemaDiff says how the map m differs from what s wants, "" if it does
// not. key and value are the types of m, nil where they are not known.
func schemaDiff(m *ebpf.Map, key, value btf.Type, s *ebpf.MapSpec) (string, error) {
	for _, f := range []struct {
		what       string
		have, want any
	}{
		{"type", m.Type(), s.Type},
		{"key size", m.KeySize(), s.KeySize},
		{"value size", m.ValueSize(), s.ValueSize},
	} {
		// The fields say more than the sizes.
		if f.have != f.want && (f.what == "type" || known(key) == nil || known(s.Key) == nil) {
			return fmt.Sprintf("the map has %s %v, the object %v", f.what, f.have, f.want), nil
		}
	}
	for _, side := range []struct {
		what       string
		have, want btf.Type
	}{{"key", known(key), known(s.Key)}, {"value", known(value), known(s.Value)}} {
		if side.have == nil || side.want == nil {
			continue
		}
		if d := typeDiff(side.have, side.want, "", side.what); d != "" {
			return d, nil
		}
	}
	err := s.Compatible(m) // entries and flags
	if n := m.MaxEntries(); err != nil && n != s.MaxEntries {
		return fmt.Sprintf("the map has %d entries, the object %d", n, s.MaxEntries), nil
	}
	if f := m.Flags(); err != nil && f != s.Flags {
		return fmt.Sprintf("the map has the flags %#x, the object %#x", f, s.Flags), nil
	}
	return "", err
}

// known is t, nil where it says nothing.
func known(t btf.Type) btf.Type {
	if t == nil {
		return nil
	}
	if _, void := btf.UnderlyingType(t).(*btf.Void); void {
		return nil
	}
	return t
}

// typeDiff says how two types differ in memory, "" if they do not. field
// leads to them in what: the key or the value.
func typeDiff(have, want btf.Type, field, what string) string {
	where := "the " + what
	if field != "" {
		where = "field " + field + " of " + where
	}
	have, want = btf.UnderlyingType(have), btf.UnderlyingType(want)
	if h, w := describe(have), describe(want); h != w {
		return fmt.Sprintf("%s: the map has %s, the object %s", where, h, w)
	}
	switch h := have.(type) {
	case *btf.Array:
		return typeDiff(h.Type, want.(*btf.Array).Type, field+"[]", what)
	case *btf.Struct:
		return membersDiff(h.Members, want.(*btf.Struct).Members, field, what, h.Size, want.(*btf.Struct).Size)
	case *btf.Union:
		return membersDiff(h.Members, want.(*btf.Union).Members, field, what, h.Size, want.(*btf.Union).Size)
	}
	return ""
}

func membersDiff(have, want []btf.Member, field, what string, haveSize, wantSize uint32) string {
	in := func(ms []btf.Member, name string) *btf.Member {
		for i := range ms {
			if ms[i].Name == name {
				return &ms[i]
			}
		}
		return nil
	}
	path := func(name string) string {
		if field == "" {
			return name
		}
		return field + "." + name
	}
	for _, w := range want {
		if in(have, w.Name) == nil {
			return fmt.Sprintf("field %s of the %s: the object has it, the map does not", path(w.Name), what)
		}
	}
	for _, h := range have {
		w := in(want, h.Name)
		switch {
		case w == nil:
			return fmt.Sprintf("field %s of the %s: the map has it, the object does not", path(h.Name), what)
		case h.BitfieldSize != w.BitfieldSize:
			return fmt.Sprintf("field %s of the %s: the map has %d bits, the object %d", path(h.Name), what, bitsOf(h), bitsOf(*w))
		}
		if d := typeDiff(h.Type, w.Type, path(h.Name), what); d != "" {
			return d
		}
	}
	for _, h := range have {
		if w := in(want, h.Name); h.Offset != w.Offset {
			return fmt.Sprintf("field %s of the %s: the map has offset %s, the object %s", path(h.Name), what, offset(h.Offset), offset(w.Offset))
		}
	}
	if haveSize != wantSize {
		return fmt.Sprintf("the %s: the map has %d bytes, the object %d", what, haveSize, wantSize)
	}
	return ""
}

func bitsOf(m btf.Member) int {
	if m.BitfieldSize > 0 {
		return int(m.BitfieldSize)
	}
	n, _ := btf.Sizeof(m.Type)
	return 8 * n
}

func offset(b btf.Bits) string {
	if b%8 != 0 {
		return fmt.Sprintf("%d and %d bits", b.Bytes(), b%8)
	}
	return fmt.Sprint(b.Bytes())
}

// describe is a type without its name, and without what is in it.
func describe(t btf.Type) string {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		if t.Encoding == btf.Signed && t.Size > 1 {
			return fmt.Sprintf("i%d", 8*t.Size)
		}
		return fmt.Sprintf("u%d", 8*t.Size)
	case *btf.Enum:
		return fmt.Sprintf("an enum of %d bytes", t.Size)
	case *btf.Pointer:
		return "a pointer"
	case *btf.Array:
		return fmt.Sprintf("an array of %d", t.Nelems)
	case *btf.Struct:
		return "a struct"
	case *btf.Union:
		return "a union"
	}
	return fmt.Sprintf("%T", t)
}
