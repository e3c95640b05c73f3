package sim

import (
	"container/list"
	"fmt"

	"github.com/whistler-lang/whistler/internal/abi"
)

// A MapDef says what a map is like. Type is the keyword of the abi table:
// "lru-hash".
type MapDef struct {
	Name       string
	Type       string
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
	Extra      uint64   // map_extra
	Inner      *MapDef  // what the maps in a map of maps are like
	Values     [][]byte // the first values of an array, or what a queue begins with
}

// A Map is a map of a Machine. Its methods are what user space can do with it;
// programs work on it through helpers.
type Map struct {
	MapDef
	m      *Machine
	kind   *abi.MapType
	ops    *mapOps
	region *Region // of the map itself: its address

	entries map[string]*entry
	order   *list.List // of *entry, oldest first (LRU: least recently used first)
	queue   []*cell    // queue and stack: oldest first
	ring    *ring
	records []Record // of a perf-event array
}

// An entry is a key with what it leads to: a value (one for each processor in
// a per-CPU map), a map or a program.
type entry struct {
	key   []byte
	cells []*cell
	inner *Map
	prog  string
	at    *list.Element
}

// A cell is one value. Its memory gets an address when a program first has
// a pointer to it.
type cell struct {
	data   []byte
	region *Region
}

// mapOps are the rules of some map types. The value given to update is
// of ValueSize; cpu is the processor that sets it, or -1 for all.
type mapOps struct {
	find   func(mp *Map, key []byte) *entry
	update func(mp *Map, key, value []byte, flags uint64, cpu int) error
	remove func(mp *Map, key []byte) error
}

var mapKinds = map[string]*mapOps{
	"hash":             {hashFind, hashUpdate, hashRemove},
	"percpu-hash":      {hashFind, hashUpdate, hashRemove},
	"lru-hash":         {lruFind, hashUpdate, hashRemove},
	"lru-percpu-hash":  {lruFind, hashUpdate, hashRemove},
	"hash-of-maps":     {hashFind, noUpdate, hashRemove},
	"array":            {arrayFind, arrayUpdate, arrayRemove},
	"percpu-array":     {arrayFind, arrayUpdate, arrayRemove},
	"array-of-maps":    {slotFind, noUpdate, slotRemove},
	"prog-array":       {slotFind, noUpdate, slotRemove},
	"cgroup-array":     {slotFind, noUpdate, slotRemove},
	"perf-event-array": {slotFind, noUpdate, slotRemove},
	"devmap":           {slotFind, slotUpdate, deviceRemove},
	"cpumap":           {slotFind, slotUpdate, deviceRemove},
	"xskmap":           {slotFind, slotUpdate, deviceRemove},
	"sockmap":          {slotFind, slotUpdate, slotRemove},
	"devmap-hash":      {hashFind, hashUpdate, hashRemove},
	"sockhash":         {hashFind, hashUpdate, hashRemove},
	"lpm-trie":         {lpmFind, lpmUpdate, lpmRemove},
	"queue":            {noFind, noUpdate, noRemove},
	"stack":            {noFind, noUpdate, noRemove},
	"bloom-filter":     {noFind, noUpdate, noRemove},
	"ringbuf":          {noFind, noUpdate, noRemove},
	"sk-storage":       {hashFind, hashUpdate, hashRemove},
	"task-storage":     {hashFind, hashUpdate, hashRemove},
	"inode-storage":    {hashFind, hashUpdate, hashRemove},
	"cgrp-storage":     {hashFind, hashUpdate, hashRemove},
	"cgroup-storage":   {hashFind, hashUpdate, hashRemove},
}

func noFind(*Map, []byte) *entry                       { return nil }
func noUpdate(*Map, []byte, []byte, uint64, int) error { return eInval }
func noRemove(*Map, []byte) error                      { return eInval }
func (mp *Map) flag(name string) bool                  { return uint64(mp.Flags)&constant(name) != 0 }
func (mp *Map) new(key []byte) *entry                  { return &entry{key: append([]byte(nil), key...)} }
func (mp *Map) is(keyword string) bool                 { return mp.Type == keyword }
func (mp *Map) newCell() *cell                         { return &cell{data: make([]byte, mp.ValueSize)} }

// AddMap makes a map. The definition must be one that the kernel would take.
func (m *Machine) AddMap(def MapDef) (*Map, error) {
	if m.names[def.Name] != nil {
		return nil, fmt.Errorf("there is a map %s already", def.Name)
	}
	mp, err := m.newMap(def)
	if err != nil {
		return nil, err
	}
	m.maps[def.Name] = mp
	m.names[def.Name] = mp.region
	m.byNum = append(m.byNum, mp)
	return mp, nil
}

// NewInner makes a map without a name of its own, to stand in a map of maps.
func (m *Machine) NewInner(def MapDef) (*Map, error) { return m.newMap(def) }

func (m *Machine) newMap(def MapDef) (*Map, error) {
	bad := func(format string, args ...any) (*Map, error) {
		return nil, fmt.Errorf("map %s: %s", def.Name, fmt.Sprintf(format, args...))
	}
	kind := abi.MapTypeByKeyword(def.Type)
	if kind == nil {
		return bad("unknown type %s", def.Type)
	}
	def.Type = kind.Keyword
	ops := mapKinds[def.Type]
	if ops == nil {
		return bad("maps of type %s are not simulated", def.Type)
	}
	if kind.Keyword == "perf-event-array" && def.MaxEntries == 0 {
		def.MaxEntries = uint32(m.cpus)
	}
	switch {
	case kind.Probed && !kind.Key.Accepts(def.KeySize):
		return bad("key of %s", count(int(def.KeySize), "byte"))
	case kind.Probed && !kind.Value.Accepts(def.ValueSize):
		return bad("value of %s", count(int(def.ValueSize), "byte"))
	case def.MaxEntries == 0 && kind.Entries != abi.EntriesZero && kind.Entries != abi.EntriesOptional:
		return bad("no max_entries")
	}
	mp := &Map{MapDef: def, m: m, kind: kind, ops: ops, entries: map[string]*entry{}, order: list.New()}
	mp.region = m.alloc(KindMap, "map "+def.Name, nil, false)
	mp.region.owner = mp
	if kind.Ring {
		if def.MaxEntries&(def.MaxEntries-1) != 0 || def.MaxEntries%4096 != 0 {
			return bad("size %d is not a power of two and a multiple of the page size", def.MaxEntries)
		}
		mp.ring = &ring{Map: mp, size: uint64(def.MaxEntries)}
	}
	for i, v := range def.Values {
		var err error
		switch {
		case kind.Array:
			err = mp.Update(le32(uint32(i)), v, 0)
		default:
			err = mp.Push(v, 0)
		}
		if err != nil {
			return bad("value %d: %v", i, err)
		}
	}
	return mp, nil
}

func le32(v uint32) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }

// cellsFor is how many values an entry of mp has.
func (mp *Map) cellsFor() int {
	if mp.kind.PerCPU {
		return mp.m.cpus
	}
	return 1
}

// cell is e's value on processor cpu.
func (mp *Map) cell(e *entry, cpu int) *cell {
	if len(e.cells) == 1 {
		return e.cells[0]
	}
	return e.cells[cpu]
}

// address is where a program finds c.
func (mp *Map) address(c *cell) uint64 {
	if c.region == nil {
		c.region = mp.m.alloc(KindValue, "the value of map "+mp.Name, c.data, !mp.flag("BPF_F_RDONLY_PROG"))
	}
	return c.region.Base
}

// drop lets go of c; programs that hold a pointer may use it until they end.
func (mp *Map) drop(c *cell) {
	if c.region != nil {
		mp.m.doomed = append(mp.m.doomed, c)
	}
}

// add puts a new entry behind all others.
func (mp *Map) add(e *entry) {
	e.at = mp.order.PushBack(e)
	mp.entries[string(e.key)] = e
}

// take removes an entry.
func (mp *Map) take(e *entry) {
	mp.order.Remove(e.at)
	delete(mp.entries, string(e.key))
	for _, c := range e.cells {
		mp.drop(c)
	}
}
