package load

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// A LayoutError is a Go type that is not laid out as the object's.
type LayoutError struct {
	What string // "the key of the map `flows`"
	Why  string // "field dport: the object has offset 10, the Go struct 8"
}

func (e *LayoutError) Error() string { return e.What + ": " + e.Why }

// checkLayout compares a Go type with the object's, and gives the bytes of
// the Go type that hold nothing. t may be nil: then the size alone counts.
func checkLayout(what string, g reflect.Type, t btf.Type, size int) (holes []hole, err error) {
	if why := fixed(g, ""); why != "" {
		return nil, &LayoutError{what, why}
	}
	if t = known(t); t != nil {
		if why := layoutDiff(g, t, ""); why != "" {
			return nil, &LayoutError{what, why}
		}
	}
	if int(g.Size()) != size {
		return nil, &LayoutError{what, fmt.Sprintf("the object has %d bytes, the Go type %v %d", size, g, g.Size())}
	}
	return holesOf(g, 0, nil), nil
}

// fixed says what in g is no plain memory.
func fixed(g reflect.Type, field string) string {
	switch g.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint, reflect.Uintptr:
		return ""
	case reflect.Array:
		return fixed(g.Elem(), field+"[]")
	case reflect.Struct:
		for f := range g.Fields() {
			if why := fixed(f.Type, join(field, f.Name)); why != "" {
				return why
			}
		}
		return ""
	}
	return in(field) + fmt.Sprintf("a Go %v is no memory that the kernel knows: want integers, arrays and structs of them", g)
}

// layoutDiff says how g differs from t.
func layoutDiff(g reflect.Type, t btf.Type, field string) string {
	t = btf.UnderlyingType(t)
	size, err := btf.Sizeof(t)
	if err != nil {
		return in(field) + err.Error()
	}
	if g.Kind() == reflect.Array && g.Elem().Kind() == reflect.Uint8 && int(g.Size()) == size {
		return "" // bytes are good for everything
	}
	differs := in(field) + fmt.Sprintf("the object has %s, the Go type is %v", describe(t), g)
	signed := g.Kind() >= reflect.Int && g.Kind() <= reflect.Int64
	unsigned := g.Kind() >= reflect.Uint && g.Kind() <= reflect.Uintptr
	switch t := t.(type) {
	case *btf.Int:
		switch {
		case int(g.Size()) != size:
			return differs
		case g.Kind() == reflect.Bool && size == 1, size == 1 && (signed || unsigned):
			return ""
		case t.Encoding == btf.Signed && !signed, t.Encoding != btf.Signed && !unsigned:
			return differs
		}
	case *btf.Enum, *btf.Pointer:
		if int(g.Size()) != size || !signed && !unsigned {
			return differs
		}
	case *btf.Array:
		if g.Kind() != reflect.Array || g.Len() != int(t.Nelems) {
			return differs
		}
		return layoutDiff(g.Elem(), t.Type, field+"[]")
	case *btf.Struct:
		if g.Kind() != reflect.Struct {
			return differs
		}
		return structDiff(g, t, field)
	case *btf.Union:
		if g.Kind() != reflect.Struct {
			return differs
		}
		if int(g.Size()) != size {
			return in(field) + fmt.Sprintf("the object has %d bytes, the Go struct %d", size, g.Size())
		}
		for f := range g.Fields() {
			for _, m := range t.Members {
				if same(f.Name, m.Name) && m.BitfieldSize == 0 {
					if why := layoutDiff(f.Type, m.Type, join(field, m.Name)); why != "" {
						return why
					}
				}
			}
		}
	}
	return ""
}

// structDiff compares fields by name.
func structDiff(g reflect.Type, t *btf.Struct, field string) string {
	used := map[string]bool{}
	for _, m := range t.Members {
		var found *reflect.StructField
		for f := range g.Fields() {
			if same(f.Name, m.Name) && !used[f.Name] {
				found = &f
				break
			}
		}
		at := int(m.Offset.Bytes())
		if found == nil {
			if m.BitfieldSize > 0 || skipped(g, at) {
				continue
			}
			return in(join(field, m.Name)) + "the Go struct does not have it"
		}
		used[found.Name] = true
		switch {
		case m.BitfieldSize > 0:
			return in(join(field, m.Name)) + "it is a bit-field, which Go does not have: want an array of bytes of another name"
		case int(found.Offset) != at:
			return in(join(field, m.Name)) + fmt.Sprintf("the object has offset %d, the Go struct %d", at, found.Offset)
		}
		if why := layoutDiff(found.Type, m.Type, join(field, m.Name)); why != "" {
			return why
		}
	}
	for f := range g.Fields() {
		if f.Name == "_" || used[f.Name] || f.Type.Size() == 0 {
			continue
		}
		// The bytes of bit-fields have a name of their own.
		if f.Type.Kind() == reflect.Array && f.Type.Elem().Kind() == reflect.Uint8 && onlyBits(t, int(f.Offset), int(f.Type.Size())) {
			continue
		}
		return in(join(field, f.Name)) + "the object does not have it"
	}
	if g.Size() != uintptr(t.Size) {
		return in(field) + fmt.Sprintf("the object has %d bytes, the Go struct %d", t.Size, g.Size())
	}
	return ""
}

// skipped reports whether a blank field of g stands at an offset.
func skipped(g reflect.Type, at int) bool {
	for f := range g.Fields() {
		if f.Name == "_" && int(f.Offset) <= at && at < int(f.Offset+f.Type.Size()) {
			return true
		}
	}
	return false
}

// onlyBits reports whether some bytes of t hold bit-fields or nothing.
func onlyBits(t *btf.Struct, from, size int) bool {
	for _, m := range t.Members {
		n, _ := btf.Sizeof(m.Type)
		if at := int(m.Offset.Bytes()); m.BitfieldSize == 0 && at < from+size && from < at+n {
			return false
		}
	}
	return true
}

// same reports whether a Go field is meant by a name of the object: SrcPort
// by src_port.
func same(goes, object string) bool {
	return goes != "_" && strings.EqualFold(strings.ReplaceAll(goes, "_", ""), strings.ReplaceAll(object, "_", ""))
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}

func in(field string) string {
	if field == "" {
		return ""
	}
	return "field " + field + ": "
}

// A hole is bytes of a Go type that hold nothing. What the kernel compares
// or keeps must have zeros there.
type hole struct{ from, to uintptr }

func holesOf(g reflect.Type, at uintptr, holes []hole) []hole {
	switch g.Kind() {
	case reflect.Array:
		for i := range uintptr(g.Len()) {
			one := holesOf(g.Elem(), at+i*g.Elem().Size(), nil)
			if len(one) == 0 {
				break
			}
			holes = append(holes, one...)
		}
	case reflect.Struct:
		fields := slices.Collect(g.Fields())
		end := at
		for _, f := range fields {
			if f.Name == "_" {
				continue
			}
			if from := at + f.Offset; from > end {
				holes = append(holes, hole{end, from})
			}
			holes = holesOf(f.Type, at+f.Offset, holes)
			end = at + f.Offset + f.Type.Size()
		}
		if to := at + g.Size(); to > end {
			holes = append(holes, hole{end, to})
		}
	}
	return holes
}
