package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// A Field is a named part of a key, value or event.
type Field struct {
	Name  string
	Value any // uint64, int64, string, []byte, []any or []Field
}

// Decode reads data as type t; without a type, numbers of 1 to 8 bytes and
// else bytes.
func Decode(t btf.Type, data []byte) any {
	if t != nil {
		if size, err := btf.Sizeof(t); err != nil || size > len(data) {
			t = nil
		}
	}
	switch t := btf.UnderlyingType(orVoid(t)).(type) {
	case *btf.Int:
		return number(data[:t.Size], t.Encoding == btf.Signed)
	case *btf.Enum:
		return number(data[:t.Size], t.Signed)
	case *btf.Pointer:
		return number(data[:8], false)
	case *btf.Struct:
		var fs []Field
		for _, m := range t.Members {
			off := int(m.Offset.Bytes())
			if m.BitfieldSize > 0 || off > len(data) || opaque(m.Type) {
				continue
			}
			fs = append(fs, Field{m.Name, Decode(m.Type, data[off:])})
		}
		return fs
	case *btf.Array:
		size, err := btf.Sizeof(t.Type)
		if err != nil || size == 0 {
			break
		}
		n := int(t.Nelems)
		if i, ok := btf.UnderlyingType(t.Type).(*btf.Int); ok && i.Size == 1 {
			return text(data[:n])
		}
		var items []any
		for i := 0; i < n; i++ {
			items = append(items, Decode(t.Type, data[i*size:]))
		}
		return items
	}
	if len(data) <= 8 && len(data) > 0 {
		return number(data, false)
	}
	return append([]byte(nil), data...)
}

// opaque reports whether t is an object of the kernel, whose bytes it does not
// give to user space.
func opaque(t btf.Type) bool {
	s, ok := btf.UnderlyingType(t).(*btf.Struct)
	return ok && (s.Name == "bpf_spin_lock" || s.Name == "bpf_timer")
}

func orVoid(t btf.Type) btf.Type {
	if t == nil {
		return (*btf.Void)(nil)
	}
	return t
}

func number(b []byte, signed bool) any {
	var buf [8]byte
	copy(buf[:], b)
	u := binary.NativeEndian.Uint64(buf[:])
	if signed {
		shift := 64 - 8*len(b)
		return int64(u<<shift) >> shift
	}
	return u
}

// text gives a string where the bytes are a NUL-terminated printable one.
func text(b []byte) any {
	s, rest, found := bytes.Cut(b, []byte{0})
	if found || len(s) == len(b) {
		ok := len(s) > 0
		for _, c := range s {
			ok = ok && c >= ' ' && c < 0x7f
		}
		for _, c := range rest {
			ok = ok && c == 0
		}
		if ok {
			return string(s)
		}
	}
	return append([]byte(nil), b...)
}

// Format writes a decoded value on one line.
func Format(v any) string {
	switch v := v.(type) {
	case []Field:
		var parts []string
		for _, f := range v {
			parts = append(parts, f.Name+"="+Format(f.Value))
		}
		return strings.Join(parts, " ")
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, Format(x))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case []byte:
		return fmt.Sprintf("%x", v)
	}
	return fmt.Sprint(v)
}

// JSON turns a decoded value into what encoding/json writes well.
func JSON(v any) any {
	switch v := v.(type) {
	case []Field:
		return orderedObject(v)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = JSON(x)
		}
		return out
	case []byte:
		return fmt.Sprintf("%x", v)
	}
	return v
}

// An Entry is one entry of a map. Values of per-CPU maps are summed where
// they are numbers.
type Entry struct {
	Key, Value any
	PerCPU     []any
}

// Entries reads a whole map, decoded by its BTF types.
func (c *Collection) Entries(name string) ([]Entry, error) {
	m, spec := c.coll.Maps[name], c.Spec.Maps[name]
	if m == nil {
		return nil, fmt.Errorf("no map %q", name)
	}
	var out []Entry
	it := m.Iterate()
	var key []byte
	if PerCPU(spec.Type) {
		var vals [][]byte
		for it.Next(&key, &vals) {
			e := Entry{Key: Decode(spec.Key, key)}
			for _, v := range vals {
				e.PerCPU = append(e.PerCPU, Decode(spec.Value, v))
			}
			e.Value = sum(e.PerCPU)
			out = append(out, e)
		}
		return out, it.Err()
	}
	var val []byte
	for it.Next(&key, &val) {
		out = append(out, Entry{Key: Decode(spec.Key, key), Value: Decode(spec.Value, val)})
	}
	return out, it.Err()
}

// sum adds numbers, field by field in structs.
func sum(vs []any) any {
	if len(vs) == 0 {
		return uint64(0)
	}
	switch first := vs[0].(type) {
	case uint64:
		var n uint64
		for _, v := range vs {
			n += v.(uint64)
		}
		return n
	case int64:
		var n int64
		for _, v := range vs {
			n += v.(int64)
		}
		return n
	case []Field:
		out := make([]Field, len(first))
		for i, f := range first {
			var col []any
			for _, v := range vs {
				col = append(col, v.([]Field)[i].Value)
			}
			out[i] = Field{f.Name, sum(col)}
		}
		return out
	}
	return vs[0]
}

// PerCPU reports whether maps of type t have a value per CPU.
func PerCPU(t ebpf.MapType) bool {
	return t == ebpf.PerCPUHash || t == ebpf.PerCPUArray || t == ebpf.LRUCPUHash || t == ebpf.PerCPUCGroupStorage
}

// HasEntries reports whether a map of type t can be listed.
func HasEntries(t ebpf.MapType) bool {
	switch t {
	case ebpf.Hash, ebpf.Array, ebpf.PerCPUHash, ebpf.PerCPUArray, ebpf.LRUHash, ebpf.LRUCPUHash, ebpf.LPMTrie:
		return true
	}
	return false
}

// Events says which struct a ring or perf buffer carries; nil where the
// object does not say, or says several.
func (c *Collection) Events(name string) *btf.Struct {
	var found []*btf.Struct
	for _, tag := range c.Spec.Maps[name].Tags {
		if s, ok := strings.CutPrefix(tag, "event:"); ok {
			var st *btf.Struct
			if c.Spec.Types.TypeByName(s, &st) == nil {
				found = append(found, st)
			}
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return nil
}

// ShowHint is what the object says of how a map is shown, by its :show: for
// the whole map "log2", or for fields of its keys, values and events, by their
// names, "ip" and the like.
func (c *Collection) ShowHint(name string) (whole string, fields map[string]string) {
	fields = map[string]string{}
	spec := c.Spec.Maps[name]
	if spec == nil {
		return "", fields
	}
	for _, tag := range spec.Tags {
		text, ok := strings.CutPrefix(tag, "show:")
		if !ok {
			continue
		}
		for _, part := range strings.Split(text, ",") {
			if field, hint, both := strings.Cut(part, "="); both {
				fields[field] = hint
			} else {
				whole = part
			}
		}
	}
	return whole, fields
}
