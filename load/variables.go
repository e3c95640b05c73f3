package load

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// Options say how an object is loaded.
type Options struct {
	// Variables are values of global variables, by their object names or as
	// written in Lisp: integers in decimal, 0x or #x, or text for an array of
	// bytes. Constant ones (.rodata) can only be set here.
	Variables map[string]string

	// Replaced is the loaded program whose functions the freplace programs
	// of the object replace. A program of that type without it is an *ErrNoTarget.
	Replaced *ebpf.Program

	// PinDir is the directory where maps with :pinning :by-name are pinned,
	// such as DefaultPinDir. One that is there already is used; one of another
	// schema is a *SchemaError. "" pins nothing: the maps end with the collection.
	PinDir string

	// Maps take the place of the object's by name: those of an earlier
	// object (Collection.Shared), or of others. One of another schema is a
	// *SchemaError. They stay the caller's, who may close them.
	Maps map[string]*ebpf.Map
}

// OpenWith is Open with options. A variable that the object does not have,
// or that cannot hold its value, is a *VariableError.
func OpenWith(object []byte, o Options) (*Collection, error) {
	spec, err := Read(object)
	if err != nil {
		return nil, err
	}
	if err := setVariables(spec, o.Variables); err != nil {
		return nil, err
	}
	if _, names := untypeKsyms(object); names != nil {
		if err := typeKsyms(spec, names); err != nil {
			return nil, err
		}
	}
	if err := replaceIn(spec, o.Replaced); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(spec.Programs) {
		if p := spec.Programs[name]; p.Type == ebpf.StructOps && p.AttachTo == "" {
			return nil, fmt.Errorf("the program `%s` (section %q) is in no struct of operations of the object, and the kernel loads it as a member of one only", name, p.SectionName)
		}
	}
	raw := takeRaw(spec)
	taken, err := takeMaps(spec, o)
	if err != nil {
		return nil, err
	}
	defer taken.close()
	coll, err := ebpf.NewCollectionWithOptions(withoutOps(spec), ebpf.CollectionOptions{MapReplacements: taken.maps})
	if err != nil {
		return nil, explain(spec, err)
	}
	c := &Collection{Spec: spec, coll: coll}
	for _, name := range sortedKeys(raw) {
		spec.Programs[name] = raw[name]
		p, err := loadRaw(raw[name], coll)
		if err != nil {
			c.Close()
			return nil, explain(spec, err)
		}
		coll.Programs[name] = p
	}
	if err := c.openOps(opsVars(object)); err != nil {
		c.Close()
		return nil, err
	}
	if err := taken.pin(coll); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// objectName is how an object spells a Lisp name.
func objectName(name string) string {
	return strings.NewReplacer("-", "_", "*", "", "+", "").Replace(strings.ToLower(name))
}

// A VariableError is a value that a global variable cannot have.
type VariableError struct {
	Name, Value, What string
	Known             []string // variables of the object, sorted
}

func (e *VariableError) Error() string { return fmt.Sprintf("-D %s=%s: %s", e.Name, e.Value, e.What) }

// setVariables sets variables of an object before it is loaded.
func setVariables(spec *ebpf.CollectionSpec, values map[string]string) error {
	names := sortedKeys(values)
	for _, name := range names {
		v := spec.Variables[name]
		if v == nil {
			v = spec.Variables[objectName(name)]
		}
		fail := func(format string, args ...any) error {
			var known []string
			for n, x := range spec.Variables {
				if x.Type == nil || x.Type.Linkage != btf.StaticVar {
					known = append(known, n)
				}
			}
			sort.Strings(known)
			return &VariableError{name, values[name], fmt.Sprintf(format, args...), known}
		}
		if v == nil {
			return fail("the object has no such variable")
		}
		b := make([]byte, v.Size())
		n, err := parseInteger(values[name])
		switch {
		case err == nil && (len(b) == 1 || len(b) == 2 || len(b) == 4 || len(b) == 8):
			var w [8]byte
			binary.NativeEndian.PutUint64(w[:], n)
			if high := int64(n) >> (8*len(b) - 1); len(b) < 8 && high != 0 && high != -1 && n>>(8*len(b)) != 0 {
				return fail("it does not fit into %d bytes", len(b))
			}
			binary.NativeEndian.PutUint64(w[:], n)
			if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 { // big endian: the low bytes are the last
				copy(b, w[8-len(b):])
			} else {
				copy(b, w[:len(b)])
			}
		case len(values[name]) <= len(b) && len(b) > 8 || err != nil && len(values[name]) <= len(b) && isBytes(v):
			copy(b, values[name])
		case err != nil && !isBytes(v):
			return fail("it is not an integer")
		default:
			return fail("it does not fit into %d bytes", len(b))
		}
		if err := v.Set(b); err != nil {
			return fail("%v", err)
		}
	}
	return nil
}

// isBytes reports whether v is an array of bytes.
func isBytes(v *ebpf.VariableSpec) bool {
	if v.Type == nil {
		return false
	}
	a, ok := btf.As[*btf.Array](v.Type.Type)
	if !ok {
		return false
	}
	n, err := btf.Sizeof(a.Type)
	return err == nil && n == 1
}

// parseInteger reads an integer of Go or of Lisp.
func parseInteger(s string) (uint64, error) {
	for lisp, goes := range map[string]string{"#x": "0x", "#o": "0o", "#b": "0b"} {
		if rest, ok := strings.CutPrefix(strings.ToLower(s), lisp); ok {
			s = goes + rest
		}
	}
	if strings.HasPrefix(s, "-") {
		n, err := strconv.ParseInt(s, 0, 64)
		return uint64(n), err
	}
	return strconv.ParseUint(s, 0, 64)
}
