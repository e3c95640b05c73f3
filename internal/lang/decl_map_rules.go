package lang

import (
	"math/bits"
	"strings"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/types"
)

// checkMap applies the rules of the map's type, as the kernel would at load.
func (d *decl) checkMap(m *Map, opts map[string]option) {
	d.fillSizes(m)
	d.checkSizes(m, opts)
	d.checkEntries(m, opts)
	d.checkFlags(m, opts)
	d.checkExtra(m, opts)
	d.checkKeyShape(m, opts)
	d.checkObjects(m, opts)
	if t := m.Type; len(m.Events) > 0 && t.Keyword != "ringbuf" && t.Keyword != "perf-event-array" && t.Keyword != "user-ringbuf" {
		panic(source.Errorf(opts["EVENT"].at, ":event is for ring and perf buffers, and `%s` is %s map", m.Name, article(t.Keyword)).WithCode("event-type"))
	}
}

// fillSizes gives keys and values that are left out the one size that the
// map's type has for them: 4-byte indices, file descriptors, sockets.
func (d *decl) fillSizes(m *Map) {
	t := m.Type
	fixed := func(r abi.SizeRule) bool { return !r.Zero && r.Min == 4 && (r.Max == 4 || r.Max == 8) }
	if m.KeySize == 0 && (fixed(t.Key) || t.Storage) {
		m.Key, m.KeySize = types.U32, 4
	}
	if m.ValueSize == 0 && fixed(t.Value) {
		m.Value, m.ValueSize = types.U32, 4
	}
}

func (d *decl) checkSizes(m *Map, opts map[string]option) {
	t := m.Type
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
		e := source.Errorf(at, "%s map cannot have a %s of %d bytes", article(t.Keyword), what, n).WithCode("map-size")
		switch fixed, one := rule.Fixed(); {
		case one && fixed == 0:
			e.WithExpected("no %s", what)
		case one:
			e.WithExpected("%d bytes", fixed)
		case n == 0:
			e.What = "the map `" + m.Name + "` has no " + what + " size"
			e.WithExpected(":%s-size or :%s", what, what)
		case rule.Step > 1 && rule.Max > 0:
			e.WithExpected("a multiple of %d, from %d to %d bytes", rule.Step, rule.Min, rule.Max)
		case rule.Max > 0:
			e.WithExpected("%d to %d bytes", rule.Min, rule.Max)
		default:
			e.WithExpected("%d bytes or more", rule.Min)
		}
		panic(e)
	}
	key := t.Key
	if t.Storage {
		// The kernel takes the key's size from a BTF integer of 4 bytes only.
		key = abi.SizeRule{Min: 4, Max: 4}
	}
	size("key", "KEY-SIZE", key, m.KeySize, "KEY")
	size("value", "VALUE-SIZE", t.Value, m.ValueSize, "VALUE")
	if t.BTF == abi.BTFRequired && m.Key.Kind != types.Int {
		panic(source.Errorf(opts["KEY"].at, "the key of %s map is an integer, which stands for %s", article(t.Keyword), article(strings.TrimSuffix(t.Keyword, "-storage"))).
			WithExpected("u32, or no :key at all").WithCode("map-size"))
	}
}

func (d *decl) checkEntries(m *Map, opts map[string]option) {
	t := m.Type
	at := d.at(0)
	o, given := opts["MAX-ENTRIES"]
	if given {
		at = o.at
	}
	n := m.MaxEntries
	if v, has := opts["VALUES"]; has {
		if n == 0 && !given {
			n = int64(len(m.Values))
			m.MaxEntries = n
		}
		if len(m.Values) > int(n) {
			panic(source.Errorf(v.at, "%d values do not fit in %d entries", len(m.Values), n).WithCode("map-values"))
		}
	}
	switch t.Entries {
	case abi.EntriesAny:
		if n < 1 && !(t.Keyword == "perf-event-array" && !given) { // loaders give that one an entry for each CPU
			e := source.Errorf(at, "the map `%s` has no :max-entries", m.Name).WithExpected("1 or more").WithCode("max-entries")
			if given {
				e.What = article(t.Keyword) + " map needs at least one entry"
			}
			panic(e)
		}
	case abi.EntriesZero:
		if n != 0 {
			panic(source.Errorf(at, "%s map has no :max-entries", article(t.Keyword)).WithExpected("leave it out").WithCode("max-entries"))
		}
	case abi.EntriesOne:
		if given && n != 1 {
			panic(source.Errorf(at, "%s map has exactly one entry", article(t.Keyword)).WithCode("max-entries"))
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
}

// mapFlagNames are the flags of map creation; other BPF_F_ names have the
// same numbers and mean something else.
var mapFlagNames = []string{"BPF_F_NO_PREALLOC", "BPF_F_NO_COMMON_LRU", "BPF_F_NUMA_NODE", "BPF_F_RDONLY", "BPF_F_WRONLY",
	"BPF_F_STACK_BUILD_ID", "BPF_F_ZERO_SEED", "BPF_F_RDONLY_PROG", "BPF_F_WRONLY_PROG", "BPF_F_CLONE", "BPF_F_MMAPABLE",
	"BPF_F_PRESERVE_ELEMS", "BPF_F_INNER_MAP", "BPF_F_LINK", "BPF_F_PATH_FD", "BPF_F_VTYPE_BTF_OBJ_FD", "BPF_F_TOKEN_FD",
	"BPF_F_SEGV_ON_FAULT", "BPF_F_NO_USER_CONV"}

func mapFlagName(bit uint32) string {
	for _, n := range mapFlagNames {
		if v, ok := abi.Constant(n); ok && v == int64(bit) {
			return n
		}
	}
	return ""
}

// flagNames lists the names of bits.
func flagNames(mask uint32) string {
	var names []string
	for ; mask != 0; mask &= mask - 1 {
		if n := mapFlagName(mask & -mask); n != "" {
			names = append(names, n)
		}
	}
	return strings.Join(names, " ")
}

// buildIDSize is sizeof(struct bpf_stack_build_id), which stands for an
// address in stacks with BPF_F_STACK_BUILD_ID.
const buildIDSize = 4 + 20 + 8

// checkFlags refuses flags that the type does not take, and adds the one it
// cannot do without, which people forget.
func (d *decl) checkFlags(m *Map, opts map[string]option) {
	t := m.Type
	if !t.Probed {
		return
	}
	buildID, _ := abi.Constant("BPF_F_STACK_BUILD_ID")
	if t.Keyword == "stack-trace" && m.Flags&uint32(buildID) != 0 {
		if m.ValueSize%buildIDSize != 0 {
			panic(source.Errorf(d.at(0), "the values of `%s` have %d bytes", m.Name, m.ValueSize).
				WithExpected("a multiple of %d with BPF_F_STACK_BUILD_ID", buildIDSize).WithCode("map-size"))
		}
	}
	allowed := t.Flags | t.Required
	if t.Keyword == "stack-trace" {
		allowed |= uint32(buildID)
	}
	if bad := m.Flags &^ allowed; bad != 0 {
		o := opts["MAP-FLAGS"]
		bit := uint32(1) << bits.TrailingZeros32(bad)
		name := mapFlagName(bit)
		if name == "" {
			panic(source.Errorf(o.at, "%#x is no flag of maps", bit).WithExpected("%s", flagNames(allowed)).WithCode("map-flags"))
		}
		e := source.Errorf(flagPos(o, name), "%s map does not take %s", article(t.Keyword), name).WithCode("map-flags")
		if list := flagNames(allowed); list != "" {
			e.WithExpected("%s", list)
		}
		if name == "BPF_F_NUMA_NODE" {
			e.WithHint("a map cannot ask for a NUMA node: cilium/ebpf refuses objects that do").WithCode("numa-node")
		}
		panic(e)
	}
	ro, _ := abi.Constant("BPF_F_RDONLY_PROG")
	wo, _ := abi.Constant("BPF_F_WRONLY_PROG")
	if both := uint32(ro | wo); m.Flags&both == both {
		panic(source.Errorf(opts["MAP-FLAGS"].at, "BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG exclude each other").WithCode("map-flags"))
	}
	m.Flags |= t.Required
}

// flagPos is where a list of flags names one.
func flagPos(o option, name string) source.Pos {
	for x, ok := o.value.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		if s, isSym := x.Car.(*sexp.Symbol); isSym && s.Name == name {
			return x.At.Or(o.at)
		}
	}
	return o.at
}

func (d *decl) checkExtra(m *Map, opts map[string]option) {
	o, given := opts["MAP-EXTRA"]
	if !given {
		return
	}
	if m.Type.Keyword != "bloom-filter" {
		panic(source.Errorf(o.at, "%s map takes no :map-extra", article(m.Type.Keyword)).WithHint("it is the number of hash functions of a bloom filter").WithCode("map-extra"))
	}
	if m.Extra < 1 || m.Extra > 15 {
		panic(source.Errorf(o.at, "a bloom filter of %d hash functions", int64(m.Extra)).WithExpected("1 to 15; 5 where :map-extra is left out").WithCode("map-extra"))
	}
}

func (d *decl) checkKeyShape(m *Map, opts map[string]option) {
	t := m.Type
	if t.Keyword == "lpm-trie" && m.Key != nil && m.Key.Kind == types.StructKind {
		if f := m.Key.Struct.Fields; len(f) == 0 || f[0].Type.Kind != types.Int || f[0].Type.Size != 4 {
			panic(source.Errorf(opts["KEY"].at, "the key of an lpm-trie must begin with the prefix length").
				WithExpected("a u32 as the first field of `%v`", m.Key).WithCode("lpm-key"))
		}
	}
}

// article puts a or an before a word.
func article(word string) string {
	if strings.ContainsRune("aeio", rune(word[0])) || word == "lpm-trie" || word == "lru-hash" || word == "lru-percpu-hash" || word == "xskmap" {
		return "an " + word
	}
	return "a " + word
}
