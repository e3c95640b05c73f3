package user

import (
	"encoding/binary"
	"strings"

	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/types"
)

// mapFunctions look at maps and variables, as user space does.
var mapFunctions = []function{
	{"getmap", "map key &key cpu", "The value of a key; nil if there is none. Of a per-CPU map it is the sum over all processors, where values are numbers, or with :cpu that of one.", getMap},
	{"(setf getmap)", "value map key &key cpu", "Sets the value of a key.", setMap},
	{"map-lookup", "map key &key cpu", "The value of a key; nil if there is none.", getMap},
	{"(setf map-lookup)", "value map key &key cpu", "Sets the value of a key.", setMap},
	{"map-update", "map key value", "Sets the value of a key.", func(c *call) sexp.Value {
		c.args = []sexp.Value{c.args[2], c.args[0], c.args[1]}
		return setMap(c)
	}},
	{"remmap", "map key", "Removes a key; true if it was there.", remMap},
	{"map-delete", "map key", "Removes a key; true if it was there.", remMap},
	{"map-entries", "map", "A list of (key value) for each entry.", func(c *call) sexp.Value {
		m := c.mapArg(0)
		keys, err := c.s.run.host.Keys(m)
		c.must(err)
		var out []sexp.Value
		for _, k := range keys {
			if v, ok := c.lookup(m, k, -1); ok {
				out = append(out, sexp.List(fromBytes(m.Key, k), fromBytes(m.Value, v)))
			}
		}
		return sexp.List(out...)
	}},
	{"map-count", "map", "The number of entries.", func(c *call) sexp.Value {
		keys, err := c.s.run.host.Keys(c.mapArg(0))
		c.must(err)
		return int64(len(keys))
	}},
	{"map-push", "map value", "Adds a value to a queue, stack or bloom filter.", func(c *call) sexp.Value {
		m := c.mapArg(0)
		c.must(c.s.run.host.Push(m, c.value(m, c.args[1])))
		return c.args[1]
	}},
	{"map-pop", "map", "Takes the next value out of a queue or stack; nil if there is none.", func(c *call) sexp.Value {
		m := c.mapArg(0)
		v, ok, err := c.s.run.host.Pop(m)
		c.must(err)
		if !ok {
			return sexp.Nil
		}
		return fromBytes(m.Value, v)
	}},
	{"events", "map", "Takes all records out of a ring or perf buffer: a list of structs where the map carries one, else of vectors of bytes.", events},
	{"%global", "variable", "The value of a variable.", func(c *call) sexp.Value {
		g := c.args[0].(*globalRef).g
		b, err := c.s.run.host.Global(g)
		c.must(err)
		return fromBytes(g.Type, b)
	}},
	{"(setf %global)", "value variable", "Sets a variable.", func(c *call) sexp.Value {
		g := c.args[1].(*globalRef).g
		b, err := toBytes(g.Type, g.Type.Size, c.args[0])
		if err != nil {
			c.fail("%s: %v", g.Name, err)
		}
		c.must(c.s.run.host.SetGlobal(g, b))
		return c.args[0]
	}},
}

func printed(t *types.Type, b []byte) string { return sexp.Print(fromBytes(t, b)) }

func (c *call) key(m *lang.Map, v sexp.Value) []byte {
	t := m.Key
	if t == nil && m.KeySize == 4 {
		t = types.U32
	}
	b, err := toBytes(t, m.KeySize, v)
	if err != nil {
		c.fail("a key of %s: %v", m.Name, err)
	}
	return b
}

func (c *call) value(m *lang.Map, v sexp.Value) []byte {
	b, err := toBytes(m.Value, m.ValueSize, v)
	if err != nil {
		c.fail("a value of %s: %v", m.Name, err)
	}
	return b
}

// lookup finds a value: of a per-CPU map that of a processor, or of all.
func (c *call) lookup(m *lang.Map, key []byte, cpu int) ([]byte, bool) {
	vs, ok, err := c.s.run.host.Lookup(m, key)
	c.must(err)
	switch {
	case !ok || len(vs) == 0:
		return nil, false
	case cpu >= len(vs):
		c.fail("there is no processor %d: they are 0 to %d", cpu, len(vs)-1)
	case cpu >= 0:
		return vs[cpu], true
	}
	return total(m.Value, vs), true
}

// total adds up the values of all processors, a struct field by field.
func total(t *types.Type, vs [][]byte) []byte {
	sum := append([]byte(nil), vs[0]...)
	for _, v := range vs[1:] {
		add(t, sum, v)
	}
	return sum
}

func add(t *types.Type, sum, v []byte) {
	switch {
	case t == nil && len(sum) > 8:
	case t == nil || t.Kind == types.Int:
		var a, b [8]byte
		copy(a[:], sum)
		copy(b[:], v)
		binary.LittleEndian.PutUint64(a[:], binary.LittleEndian.Uint64(a[:])+binary.LittleEndian.Uint64(b[:]))
		copy(sum, a[:])
	case t.Kind == types.Array:
		for i := range t.Len {
			add(t.Elem, sum[i*t.Elem.Size:(i+1)*t.Elem.Size], v[i*t.Elem.Size:(i+1)*t.Elem.Size])
		}
	case t.Kind == types.StructKind:
		for i := range t.Struct.Fields {
			if f := &t.Struct.Fields[i]; f.Bits == 0 {
				add(f.Type, sum[f.Offset:f.Offset+f.Type.Size], v[f.Offset:f.Offset+f.Type.Size])
			}
		}
	}
}

func getMap(c *call) sexp.Value {
	m := c.mapArg(0)
	k := c.keys(2, "cpu")
	cpu := -1
	if v, ok := k["cpu"]; ok {
		cpu = int(c.uint(v, 31, ":cpu"))
	}
	b, ok := c.lookup(m, c.key(m, c.args[1]), cpu)
	if !ok {
		return sexp.Nil
	}
	return fromBytes(m.Value, b)
}

func setMap(c *call) sexp.Value {
	m := c.mapArg(1)
	host := c.s.run.host
	if p, ok := c.args[0].(*progRef); ok && m.Type.Keyword == "prog-array" {
		c.must(host.SetProgram(m, uint32(c.uint(c.args[2], 32, "the index")), p.p))
		return c.args[0]
	}
	k := c.keys(3, "cpu")
	key, value := c.key(m, c.args[2]), c.value(m, c.args[0])
	values := [][]byte{value}
	if v, ok := k["cpu"]; ok {
		cpu := int(c.uint(v, 31, ":cpu"))
		vs, found, err := host.Lookup(m, key)
		c.must(err)
		if !found {
			for range host.CPUs() {
				vs = append(vs, make([]byte, m.ValueSize))
			}
		}
		if cpu >= len(vs) {
			c.fail("there is no processor %d: they are 0 to %d", cpu, len(vs)-1)
		}
		vs[cpu] = value
		values = vs
	} else if m.Type.PerCPU { // the value is the sum: one processor has it
		for range host.CPUs() - 1 {
			values = append(values, make([]byte, m.ValueSize))
		}
	}
	if err := host.Update(m, key, values); err != nil {
		if _, no := err.(*Unsupported); no {
			c.must(err)
		}
		c.fail("the key %s of %s cannot be set: %s", printed(m.Key, key), m.Name, strings.TrimPrefix(err.Error(), "update: "))
	}
	return c.args[0]
}

func remMap(c *call) sexp.Value {
	m := c.mapArg(0)
	found, err := c.s.run.host.Delete(m, c.key(m, c.args[1]))
	c.must(err)
	return boolean(found)
}

func events(c *call) sexp.Value {
	m := c.mapArg(0)
	records, err := c.s.run.host.Drain(m)
	c.must(err)
	var out []sexp.Value
	for _, b := range records {
		out = append(out, record(m, b))
	}
	return sexp.List(out...)
}

// record is what a ring or perf buffer has carried: a struct where it is
// known which.
func record(m *lang.Map, b []byte) sexp.Value {
	for _, t := range m.Events {
		if len(m.Events) == 1 && len(b) >= t.Size || len(b) == t.Size {
			return &Record{t, append([]byte(nil), b[:t.Size]...)}
		}
	}
	return vectorOf(b)
}
