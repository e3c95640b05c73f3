//go:build linux

package main

import (
	"fmt"
	"log"
	"os"
	"sort"
	"strings"

	"golang.org/x/sys/unix"
)

type mapType struct {
	keyword, c string
	id         uint32
	key, value sizeRule
	entries    string
	required   uint32
	flags      uint32
	btf        string
	ops        []string
	probed     bool
	deprecated bool
	base       mapAttr // attributes that the kernel takes
}

type sizeRule struct {
	zero           bool
	min, max, step uint32
}

// Flags that some map types cannot do without, tried in this order.
var needFlags = []uint32{0, unix.BPF_F_NO_PREALLOC, unix.BPF_F_MMAPABLE}

func mapTypes(src *sources) []*mapType {
	types := loadTypes("xdp_md")
	inner, err := createMap(mapAttr{mapType: unix.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 1})
	if err != nil {
		log.Fatal(err)
	}
	var names []string
	for n := range src.enums {
		if strings.HasPrefix(n, "BPF_MAP_TYPE_") {
			names = append(names, n)
		}
	}
	// A name and its deprecated alias have the same number: the plain name stays.
	sort.Strings(names)
	seen := map[int64]bool{0: true}
	var out []*mapType
	for _, n := range names {
		id := src.enums[n]
		if seen[id] {
			continue
		}
		seen[id] = true
		word := strings.ToLower(strings.TrimPrefix(n, "BPF_MAP_TYPE_"))
		m := &mapType{keyword: strings.ReplaceAll(word, "_", "-"), c: n, id: uint32(id)}
		_, m.deprecated = src.enums[n+"_DEPRECATED"]
		probeMap(m, types, inner)
		out = append(out, m)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].keyword < out[j].keyword })
	return out
}

// probeMap finds attributes with which the kernel makes the map, then changes
// one of them at a time.
func probeMap(m *mapType, types probeTypes, inner int) {
	page := uint32(os.Getpagesize())
	if !m.findBase(types, inner, page) {
		log.Printf("map type %s cannot be made here", m.keyword)
		return
	}
	m.probed = true
	m.key = m.sizes(func(a *mapAttr, n uint32) { a.keySize = n })
	m.value = m.sizes(func(a *mapAttr, n uint32) { a.valueSize = n })

	entries := func(n uint32) bool { a := m.base; a.maxEntries = n; return canCreate(a) }
	switch zero, one := entries(0), entries(1); {
	case zero && !one && !entries(page):
		m.entries = "EntriesZero"
	case !zero && !one && entries(page) && entries(2*page) && !entries(3*page):
		m.entries = "EntriesRing"
	case zero && one:
		m.entries = "EntriesOptional"
	case one && !entries(2) && !entries(page):
		m.entries = "EntriesOne"
	default:
		m.entries = "EntriesAny"
	}
	for bit := uint32(1); bit != 0 && bit < 1<<20; bit <<= 1 {
		a := m.base
		a.flags |= bit
		if bit != unix.BPF_F_NUMA_NODE && a.flags != m.base.flags && canCreate(a) {
			m.flags |= bit
		}
	}
	m.probeBTF(types)
	m.probeOps()
}

// findBase tries combinations of attributes until the kernel is content.
func (m *mapType) findBase(types probeTypes, inner int, page uint32) bool {
	for _, flags := range needFlags {
		for _, key := range []uint32{4, 8, 0} {
			for _, value := range []uint32{8, 4, 0} {
				for _, entries := range []uint32{1, page, 0} {
					for _, withBTF := range []bool{false, true} {
						a := mapAttr{mapType: m.id, keySize: key, valueSize: value, maxEntries: entries, flags: flags}
						if strings.HasSuffix(m.keyword, "-of-maps") {
							a.innerFD = uint32(inner)
						}
						if withBTF {
							a.btfFD, a.btfKey, a.btfValue = uint32(types.fd), types.u32, types.u64
						}
						if canCreate(a) {
							m.base, m.required = a, flags
							return true
						}
					}
				}
			}
		}
	}
	return false
}

// sizes tries all small sizes, then looks for a limit below 64 KiB.
func (m *mapType) sizes(set func(*mapAttr, uint32)) sizeRule {
	ok := func(n uint32) bool {
		a := m.base
		set(&a, n)
		// Type ids would demand their own sizes.
		a.btfFD, a.btfKey, a.btfValue = 0, 0, 0
		if m.base.btfKey != 0 {
			if n == 0 || a.keySize != m.base.keySize {
				return n == m.base.keySize
			}
			t := bytesType(n)
			a.btfFD, a.btfKey, a.btfValue = uint32(t.fd), t.u32, t.bytes
			defer unix.Close(t.fd)
		}
		return canCreate(a)
	}
	var r sizeRule
	r.zero = ok(0)
	const small = 96
	var last uint32
	for n := uint32(1); n <= small; n++ {
		if !ok(n) {
			continue
		}
		if r.min == 0 {
			r.min = n
		} else if r.step == 0 {
			r.step = n - last
		}
		last = n
	}
	if r.min == 0 {
		return r
	}
	step := max(r.step, 1)
	if last+step <= small {
		r.max = last
		return r
	}
	// Bisect over multiples of step.
	lo, hi := uint32(0), (uint32(1<<16)-r.min)/step
	if ok(r.min + hi*step) {
		return r
	}
	for lo+1 < hi {
		if mid := (lo + hi) / 2; ok(r.min + mid*step) {
			lo = mid
		} else {
			hi = mid
		}
	}
	r.max = r.min + lo*step
	return r
}

// probeBTF finds which type ids of key and value the kernel takes.
func (m *mapType) probeBTF(types probeTypes) {
	try := func(keySize, key, value uint32) bool {
		a := m.base
		a.btfFD, a.btfKey, a.btfValue = uint32(types.fd), key, value
		if keySize != 0 {
			a.keySize = keySize
		}
		return canCreate(a)
	}
	value := map[uint32]uint32{4: types.u32, 8: types.u64}[m.base.valueSize]
	switch {
	case m.base.btfKey != 0:
		m.btf = "BTFRequired"
	case m.base.keySize == 0 && value != 0 && try(0, 0, value):
		m.btf = "BTFValueOnly"
	case value == 0 || !try(0, types.u32, value) && !try(8, types.pair, value):
		m.btf = "BTFNone"
	case !try(0, types.u32, value):
		m.btf = "BTFKeyStruct"
	case m.key.min == 4 && m.key.max == 4:
		m.btf = "BTFKeyU32"
	default:
		m.btf = "BTFAny"
	}
}

// truths spells the truths about a type that follow from the other columns.
func (m *mapType) truths() string {
	var out []string
	add := func(name string, on bool) {
		if on {
			out = append(out, name+":true")
		}
	}
	has := func(s string) bool { return strings.Contains(m.keyword, s) }
	add("PerCPU", has("percpu"))
	add("Array", m.keyword == "array" || m.keyword == "percpu-array" || has("-array") && m.key.min == 4 && m.key.max == 4)
	add("Hash", strings.HasSuffix(m.keyword, "hash") || m.keyword == "hash-of-maps" || m.keyword == "lpm-trie")
	add("LRU", has("lru"))
	add("InnerMap", has("-of-maps"))
	add("Storage", m.btf == "BTFRequired")
	add("Ring", has("ringbuf"))
	add("Probed", m.probed)
	add("Deprecated", m.deprecated)
	return strings.Join(out, ",")
}

func (r sizeRule) String() string {
	return fmt.Sprintf("SizeRule{%v,%d,%d,%d}", r.zero, r.min, r.max, r.step)
}

func emitMapTypes(w *buf, maps []*mapType) {
	w.p("var mapTypes = [...]MapType{\n")
	for _, m := range maps {
		w.p("{Keyword:%q,ID:%d,C:%q", m.keyword, m.id, m.c)
		if m.probed {
			w.p(",\nKey:%v,Value:%v,Entries:%s,Required:%#x,Flags:%#x,BTF:%s,\nOps:%s",
				m.key, m.value, m.entries, m.required, m.flags, m.btf, flagNames(m.ops))
		}
		if t := m.truths(); t != "" {
			w.p(",\n%s", t)
		}
		w.p("},\n")
	}
	w.p("}\n")
}
