package lang

import (
	"math"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

const mapKeywords = ":type :key-size :value-size :key :value :value-type :max-entries :map-flags :pinning :inner-map :values :map-extra :event :show"

func declareMap(c *compiler, d *decl) sexp.Value {
	sym := d.name("map")
	m := &Map{Name: sym.Display(), Pos: d.at(0)}
	d.refuseNumaNode()
	opts := d.options(d.form.Cdr.(*sexp.Cons).Cdr, mapKeywords)
	typ, ok := opts["TYPE"]
	if !ok {
		panic(d.fail(nil, "the map `%s` has no :type", m.Name).WithExpected(":type :hash, :array, :lru-hash, :ringbuf, ...").WithCode("missing-keyword"))
	}
	kw, isSym := typ.value.(*sexp.Symbol)
	if isSym && kw.Keyword {
		m.Type = abi.MapTypeByKeyword(strings.ToLower(kw.Name))
	}
	if m.Type == nil {
		e := source.Errorf(typ.at, "unknown map type `%s`", sexp.Print(typ.value)).WithExpected(":hash :array :percpu-hash :percpu-array :lru-hash :lpm-trie :ringbuf :prog-array ...").WithCode("unknown-map-type")
		if isSym {
			var names []string
			for _, t := range abi.MapTypes() {
				names = append(names, t.Keyword)
			}
			if s := didYouMean(kw.Name, names); s != "" {
				e.DidYouMean(":" + s)
			}
		}
		panic(e)
	}
	if why := unsupportedMaps[m.Type.Keyword]; why != "" {
		panic(source.Errorf(typ.at, "maps of type :%s cannot be declared: %s", m.Type.Keyword, why).WithCode("unsupported-map-type"))
	}
	m.Key, m.KeySize = d.mapSide(opts, "key", "KEY-SIZE", "KEY")
	if _, old := opts["VALUE-TYPE"]; old {
		if _, both := opts["VALUE"]; both {
			panic(source.Errorf(opts["VALUE-TYPE"].keyAt, ":value and its older name :value-type are both given").WithCode("duplicate"))
		}
		opts["VALUE"] = opts["VALUE-TYPE"]
	}
	m.Value, m.ValueSize = d.mapSide(opts, "value", "VALUE-SIZE", "VALUE")
	if o, ok := opts["MAP-FLAGS"]; ok {
		m.Flags = uint32(d.flags(o.value, o.at))
	}
	if o, ok := opts["MAP-EXTRA"]; ok {
		m.Extra = uint64(d.number(o, ":map-extra"))
	}
	if o, ok := opts["MAX-ENTRIES"]; ok {
		m.MaxEntries = d.number(o, ":max-entries")
		if m.MaxEntries < 0 || m.MaxEntries > math.MaxUint32 {
			panic(source.Errorf(o.at, ":max-entries is %d", m.MaxEntries).WithExpected("0 to 4294967295").WithCode("max-entries"))
		}
	}
	if o, ok := opts["PINNING"]; ok {
		if s, isSym := o.value.(*sexp.Symbol); !isSym || s.Name != "BY-NAME" {
			panic(source.Errorf(o.at, "unknown pinning %s", sexp.Print(o.value)).WithExpected(":by-name").WithCode("pinning"))
		}
		m.PinByName = true
	}
	if o, ok := opts["EVENT"]; ok {
		list := []sexp.Value{o.value}
		if x, isList := o.value.(*sexp.Cons); isList {
			list, _ = sexp.Slice(x)
		}
		for _, x := range list {
			t := d.typeOf(x, o.at)
			if t.Kind != types.StructKind {
				panic(source.Errorf(o.at, "an event must be a struct, and `%v` is none", t).WithCode("event-type"))
			}
			m.Events = append(m.Events, t.Struct)
			m.declared = true
		}
	}
	c.mapContents(d, m, opts)
	if o, ok := opts["SHOW"]; ok {
		m.Show = d.showHint(m, o)
	}
	d.checkMap(m, opts)
	m.C = c.objectName("map", sym, m.Pos)
	c.maps[sym.Name] = m
	c.unit.Maps = append(c.unit.Maps, m)
	return sym
}

// unsupportedMaps are the types that take more than a declaration.
var unsupportedMaps = map[string]string{
	"arena":      "its memory needs pointers of an address space of its own, which programs do not have",
	"struct-ops": "its value is a struct of the kernel's, which defstruct-ops declares",
}

// refuseNumaNode explains why there is no :numa-node.
func (d *decl) refuseNumaNode() {
	for x, ok := d.form.Cdr.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		if s, isSym := x.Car.(*sexp.Symbol); isSym && s.Keyword && s.Name == "NUMA-NODE" {
			panic(source.Errorf(x.At.Or(d.pos), "a map cannot ask for a NUMA node: cilium/ebpf refuses objects that do").
				WithHint("leave :numa-node out").WithCode("numa-node"))
		}
	}
}

// mapSide reads the type and size of a map's key or value.
func (d *decl) mapSide(opts map[string]option, what, sizeKey, typeKey string) (*types.Type, int) {
	size := -1
	if o, ok := opts[sizeKey]; ok {
		n := d.number(o, "the "+what+" size")
		if n < 0 || n > 1<<24 {
			panic(source.Errorf(o.at, "a %s cannot have %d bytes", what, n).WithExpected("0 to %d", 1<<24).WithCode("map-size"))
		}
		size = int(n)
	}
	if o, ok := opts[typeKey]; ok {
		t := d.typeOf(o.value, o.at)
		if size >= 0 && size != t.Size {
			panic(source.Errorf(opts[sizeKey].at, "the %s size is %d, but `%v` has %d bytes", what, size, t, t.Size).
				WithHint("leave :%s out: the type gives the size", strings.ToLower(sizeKey)).WithCode("map-size"))
		}
		return t, t.Size
	}
	switch {
	case size <= 0:
		return nil, max(size, 0)
	case types.ScalarOf(size, false) != nil:
		return types.ScalarOf(size, false), size
	}
	return types.ArrayOf(types.U8, size), size
}
