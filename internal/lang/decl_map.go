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
				e.WithHint("did you mean `:%s`?", s)
			}
		}
		panic(e)
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
	if o, ok := opts["INNER-MAP"]; ok {
		s, isSym := o.value.(*sexp.Symbol)
		if !isSym || c.maps[s.Name] == nil {
			panic(c.unknownMap(source.Errorf(o.at, "unknown map `%s`", sexp.Print(o.value)), sexp.Nil))
		}
		m.Inner = c.maps[s.Name]
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
		}
	}
	if o, ok := opts["VALUES"]; ok {
		items, proper := sexp.Slice(o.value)
		if !proper {
			panic(source.Errorf(o.at, ":values must be a list of program names").WithCode("map-values"))
		}
		if m.Type.Keyword != "prog-array" {
			panic(source.Errorf(o.at, ":values is for prog-arrays, and `%s` is a %s", m.Name, m.Type.Keyword).WithCode("map-values"))
		}
		for _, x := range items {
			s, isSym := x.(*sexp.Symbol)
			if !isSym {
				panic(source.Errorf(o.at, "%s is not the name of a program", sexp.Print(x)).WithCode("map-values"))
			}
			if s == sexp.Nil {
				m.Values = append(m.Values, "")
			} else {
				m.Values = append(m.Values, s.Name)
			}
		}
	}
	if o, ok := opts["SHOW"]; ok {
		m.Show = strings.ToLower(strings.TrimPrefix(sexp.Display(o.value), ":"))
	}
	d.checkMap(m, opts)
	m.C = c.objectName("map", sym, m.Pos)
	c.maps[sym.Name] = m
	c.unit.Maps = append(c.unit.Maps, m)
	return sym
}

// mapSide reads the type and size of a map's key or value.
func (d *decl) mapSide(opts map[string]option, what, sizeKey, typeKey string) (*types.Type, int) {
	size := -1
	if o, ok := opts[sizeKey]; ok {
		n := d.number(o, "the "+what+" size")
		if n < 0 || n > 1<<24 {
			panic(source.Errorf(o.at, "a %s cannot have %d bytes", what, n).WithCode("map-size"))
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

// checkMap applies the rules of the map's type, as the kernel would at load.
func (d *decl) checkMap(m *Map, opts map[string]option) {
	t := m.Type
	if t.Array && m.KeySize == 0 || t.Keyword == "prog-array" && m.KeySize == 0 {
		m.Key, m.KeySize = types.U32, 4
	}
	switch t.Keyword {
	case "prog-array", "perf-event-array", "cgroup-array":
		if m.KeySize == 0 {
			m.Key, m.KeySize = types.U32, 4
		}
		if m.ValueSize == 0 {
			m.Value, m.ValueSize = types.U32, 4
		}
	}
	if t.Keyword == "prog-array" && m.MaxEntries == 0 && len(m.Values) > 0 {
		m.MaxEntries = int64(len(m.Values))
	}
	if len(m.Values) > int(m.MaxEntries) && m.MaxEntries > 0 {
		panic(source.Errorf(opts["VALUES"].at, "%d values do not fit in %d entries", len(m.Values), m.MaxEntries).WithCode("map-values"))
	}
	size := func(what, key string, rule abi.SizeRule, n int, typeKey string) {
		if !t.Probed || rule.Accepts(uint32(n)) {
			return
		}
		at := d.at(0)
		if o, ok := opts[key]; ok {
			at = o.at
		} else if o, ok := opts[typeKey]; ok {
			at = o.at
		}
		e := source.Errorf(at, "a %s map cannot have a %s of %d bytes", t.Keyword, what, n).WithCode("map-size")
		switch fixed, one := rule.Fixed(); {
		case one && fixed == 0:
			e.WithExpected("no %s", what)
		case one:
			e.WithExpected("%d bytes", fixed)
		case n == 0:
			e.What = "the map `" + m.Name + "` has no " + what + " size"
			e.WithExpected(":%s-size or :%s", what, what)
		default:
			e.WithExpected("%d bytes or more", rule.Min)
			if rule.Max > 0 {
				e.WithExpected("%d to %d bytes", rule.Min, rule.Max)
			}
		}
		panic(e)
	}
	size("key", "KEY-SIZE", t.Key, m.KeySize, "KEY")
	size("value", "VALUE-SIZE", t.Value, m.ValueSize, "VALUE")
	at := d.at(0)
	o, given := opts["MAX-ENTRIES"]
	if given {
		at = o.at
	}
	n := m.MaxEntries
	switch t.Entries {
	case abi.EntriesAny:
		if n < 1 {
			e := source.Errorf(at, "the map `%s` has no :max-entries", m.Name).WithExpected("1 or more").WithCode("max-entries")
			if given {
				e.What = "a " + t.Keyword + " map needs at least one entry"
			}
			panic(e)
		}
	case abi.EntriesZero:
		if n != 0 {
			panic(source.Errorf(at, "a %s map has no :max-entries", t.Keyword).WithExpected("leave it out").WithCode("max-entries"))
		}
	case abi.EntriesOne:
		if given && n != 1 {
			panic(source.Errorf(at, "a %s map has exactly one entry", t.Keyword).WithCode("max-entries"))
		}
		m.MaxEntries = 1
	case abi.EntriesRing:
		if n < 4096 || n&(n-1) != 0 {
			e := source.Errorf(at, "a ring buffer of %d bytes", n).WithExpected("a power of two that is a multiple of the page size (4096)").WithCode("ring-size")
			next := int64(4096)
			for next < n {
				next *= 2
			}
			panic(e.WithHint("the next size that fits is %d", next))
		}
	}
	if miss := t.Required &^ m.Flags; miss != 0 && t.Probed {
		// The one flag that people forget is added; it changes nothing else.
		m.Flags |= miss
	}
	if t.Keyword == "lpm-trie" && m.Key != nil && m.Key.Kind == types.StructKind {
		if f := m.Key.Struct.Fields; len(f) == 0 || f[0].Type.Kind != types.Int || f[0].Type.Size != 4 {
			panic(source.Errorf(opts["KEY"].at, "the key of an lpm-trie must begin with the prefix length").
				WithExpected("a u32 as the first field of `%v`", m.Key).WithCode("lpm-key"))
		}
	}
	if len(m.Events) > 0 && t.Keyword != "ringbuf" && t.Keyword != "perf-event-array" && t.Keyword != "user-ringbuf" {
		panic(source.Errorf(opts["EVENT"].at, ":event is for ring and perf buffers, and `%s` is a %s map", m.Name, t.Keyword).WithCode("event-type"))
	}
}
