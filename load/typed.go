package load

import (
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
)

// A Map is a map whose keys are Ks and whose values are Vs. It may be used by
// several goroutines at once.
type Map[K, V any] struct {
	typed[K]
	value []hole
}

// A PerCPUMap is a map that has a V for each CPU.
type PerCPUMap[K, V any] struct {
	typed[K]
	value []hole
}

// A typed is what both have.
type typed[K any] struct {
	m    *ebpf.Map
	name string
	key  []hole
	last *atomic.Pointer[error]
}

// MapOf gives a map of c under its types. A Go type that is not laid out as
// the object's key or value is a *LayoutError. Structs are compared field by
// field, SrcPort with src_port; [4]byte may stand for any type of four bytes,
// and blank fields for what the program does not care about.
func MapOf[K, V any](c *Collection, name string) (*Map[K, V], error) {
	t, value, spec, err := typedMap[K, V](c, name)
	if err != nil {
		return nil, err
	}
	if PerCPU(spec.Type) {
		return nil, fmt.Errorf("the map `%s` has a value for each CPU: want PerCPUMapOf", name)
	}
	return &Map[K, V]{t, value}, nil
}

// PerCPUMapOf is MapOf for maps that have a value for each CPU.
func PerCPUMapOf[K, V any](c *Collection, name string) (*PerCPUMap[K, V], error) {
	t, value, spec, err := typedMap[K, V](c, name)
	if err != nil {
		return nil, err
	}
	if !PerCPU(spec.Type) {
		return nil, fmt.Errorf("the map `%s` has one value for all CPUs: want MapOf", name)
	}
	return &PerCPUMap[K, V]{t, value}, nil
}

func typedMap[K, V any](c *Collection, name string) (t typed[K], value []hole, spec *ebpf.MapSpec, err error) {
	if c.coll.Maps[name] == nil {
		name = objectName(name)
	}
	spec = c.Spec.Maps[name]
	if t.m = c.coll.Maps[name]; t.m == nil || spec == nil {
		return t, nil, nil, fmt.Errorf("the object has no map %s: it has %v", name, c.Maps())
	}
	t.name, t.last = name, new(atomic.Pointer[error])
	if t.key, err = checkLayout("the key of the map `"+name+"`", reflect.TypeFor[K](), spec.Key, int(t.m.KeySize())); err != nil {
		return t, nil, nil, err
	}
	value, err = checkLayout("the value of the map `"+name+"`", reflect.TypeFor[V](), spec.Value, int(t.m.ValueSize()))
	return t, value, spec, err
}

// memory is the bytes of *p.
func memory[T any](p *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)) }

// packed is v as the kernel has it, with zeros where there is nothing.
func packed[T any](v T, holes []hole) []byte {
	b := slices.Clone(memory(&v))
	for _, h := range holes {
		clear(b[h.from:h.to])
	}
	return b
}

// Raw is the map itself.
func (t typed[K]) Raw() *ebpf.Map { return t.m }

// Delete removes a key; one that is not there is ebpf.ErrKeyNotExist.
func (t typed[K]) Delete(k K) error { return t.m.Delete(packed(k, t.key)) }

// Err is why the last loop over All ended early; nil if it did not.
func (t typed[K]) Err() error {
	if e := t.last.Load(); e != nil {
		return *e
	}
	return nil
}

// Get gives the value of a key; ebpf.ErrKeyNotExist where there is none.
func (m *Map[K, V]) Get(k K) (v V, err error) {
	err = m.m.Lookup(packed(k, m.key), memory(&v))
	return v, err
}

// Put sets the value of a key.
func (m *Map[K, V]) Put(k K, v V) error { return m.m.Put(packed(k, m.key), packed(v, m.value)) }

// All gives the entries, in no order. Programs may change them meanwhile.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		var k K
		var v V
		it := m.m.Iterate()
		for it.Next(memory(&k), memory(&v)) {
			if !yield(k, v) {
				break
			}
		}
		err := it.Err()
		m.last.Store(&err)
	}
}

// Get gives the values of a key by CPU.
func (m *PerCPUMap[K, V]) Get(k K) ([]V, error) {
	var raw [][]byte
	if err := m.m.Lookup(packed(k, m.key), &raw); err != nil {
		return nil, err
	}
	return m.values(raw), nil
}

func (m *PerCPUMap[K, V]) values(raw [][]byte) []V {
	vs := make([]V, len(raw))
	for i := range raw {
		copy(memory(&vs[i]), raw[i])
	}
	return vs
}

// Sum adds the values of a key up: every number in them.
func (m *PerCPUMap[K, V]) Sum(k K) (sum V, err error) {
	vs, err := m.Get(k)
	return Sum(vs), err
}

// Put sets the values of a key, one for each possible CPU.
func (m *PerCPUMap[K, V]) Put(k K, vs []V) error {
	raw := make([][]byte, len(vs))
	for i, v := range vs {
		raw[i] = packed(v, m.value)
	}
	return m.m.Put(packed(k, m.key), raw)
}

// All gives the entries with their values by CPU, in no order.
func (m *PerCPUMap[K, V]) All() iter.Seq2[K, []V] {
	return func(yield func(K, []V) bool) {
		var k K
		var raw [][]byte
		it := m.m.Iterate()
		for it.Next(memory(&k), &raw) {
			if !yield(k, m.values(raw)) {
				break
			}
		}
		err := it.Err()
		m.last.Store(&err)
	}
}

// Sum adds numbers, and those in arrays and structs element by element.
func Sum[V any](vs []V) (sum V) {
	to := reflect.ValueOf(&sum).Elem()
	for _, v := range vs {
		add(to, reflect.ValueOf(v))
	}
	return sum
}

func add(to, from reflect.Value) {
	switch {
	case to.CanInt():
		to.SetInt(to.Int() + from.Int())
	case to.CanUint():
		to.SetUint(to.Uint() + from.Uint())
	case to.Kind() == reflect.Array:
		for i := range to.Len() {
			add(to.Index(i), from.Index(i))
		}
	case to.Kind() == reflect.Struct:
		for i := range to.NumField() {
			if to.Type().Field(i).IsExported() {
				add(to.Field(i), from.Field(i))
			}
		}
	}
}
