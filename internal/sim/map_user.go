package sim

import (
	"encoding/binary"
	"fmt"
)

// Addr is the address of the map, as programs load it.
func (mp *Map) Addr() uint64 { return mp.region.Base }

// Len is how many entries there are.
func (mp *Map) Len() int {
	switch {
	case mp.kind.Array && mp.ops.update != nil && (mp.is("array") || mp.is("percpu-array")):
		return int(mp.MaxEntries)
	case mp.is("queue") || mp.is("stack"):
		return len(mp.queue)
	}
	return mp.order.Len()
}

// Lookup gives a copy of the value of key, in a per-CPU map of all processors'
// values one after the other. A queue or stack is looked at with no key.
func (mp *Map) Lookup(key []byte) ([]byte, bool) {
	values, ok := mp.LookupCPUs(key)
	var out []byte
	for _, v := range values {
		out = append(out, v...)
	}
	return out, ok
}

// LookupCPUs gives a copy of each processor's value; there is just one where
// the map is not per-CPU.
func (mp *Map) LookupCPUs(key []byte) ([][]byte, bool) {
	if mp.queued() {
		v := make([]byte, mp.ValueSize)
		err := mp.peek(v, false)
		return [][]byte{v}, err == nil
	}
	if len(key) != int(mp.KeySize) {
		return nil, false
	}
	var e *entry
	if mp.kind.LRU { // user space looking does not count as use
		e = hashFind(mp, key)
	} else {
		e = mp.ops.find(mp, key)
	}
	if e == nil {
		return nil, false
	}
	out := make([][]byte, len(e.cells))
	for i, c := range e.cells {
		out[i] = append([]byte(nil), c.data...)
	}
	return out, true
}

// Update sets the value of key. In a per-CPU map value is one for each
// processor, one after the other, or one for them all. What the kernel refuses
// is an Errno.
func (mp *Map) Update(key, value []byte, flags uint64) error {
	if mp.queued() {
		return mp.Push(value, flags)
	}
	if err := mp.checkKey(key); err != nil {
		return err
	}
	if n := int(mp.ValueSize); len(value) != n && !(mp.kind.PerCPU && len(value) == n*mp.m.cpus) {
		return fmt.Errorf("map %s: value of %s, it has %d", mp.Name, count(len(value), "byte"), n)
	}
	return mp.ops.update(mp, key, value, flags, -1)
}

// Delete removes an entry.
func (mp *Map) Delete(key []byte) error {
	if err := mp.checkKey(key); err != nil {
		return err
	}
	return mp.ops.remove(mp, key)
}

func (mp *Map) checkKey(key []byte) error {
	if len(key) != int(mp.KeySize) {
		return fmt.Errorf("map %s: key of %s, it has %d", mp.Name, count(len(key), "byte"), mp.KeySize)
	}
	return nil
}

// Keys lists the keys, the oldest first (in an LRU map the least recently
// used).
func (mp *Map) Keys() [][]byte {
	var keys [][]byte
	if mp.is("array") || mp.is("percpu-array") {
		for i := range mp.MaxEntries {
			keys = append(keys, le32(i))
		}
		return keys
	}
	for at := mp.order.Front(); at != nil; at = at.Next() {
		keys = append(keys, append([]byte(nil), at.Value.(*entry).key...))
	}
	return keys
}

// SetInner puts a map into a map of maps.
func (mp *Map) SetInner(key []byte, inner *Map) error {
	if !mp.kind.InnerMap {
		return fmt.Errorf("map %s is no map of maps", mp.Name)
	}
	return mp.setSlot(key, func(e *entry) { e.inner = inner })
}

// SetProg puts a program, by its name, into a prog-array.
func (mp *Map) SetProg(index uint32, prog string) error {
	if !mp.is("prog-array") {
		return fmt.Errorf("map %s is no prog-array", mp.Name)
	}
	return mp.setSlot(le32(index), func(e *entry) { e.prog = prog })
}

func (mp *Map) setSlot(key []byte, set func(*entry)) error {
	if err := mp.checkKey(key); err != nil {
		return err
	}
	e := mp.entries[string(key)]
	if e == nil {
		if mp.kind.Hash && mp.order.Len() >= int(mp.MaxEntries) ||
			!mp.kind.Hash && binary.LittleEndian.Uint32(key) >= mp.MaxEntries {
			return e2Big
		}
		e = mp.new(key)
		mp.add(e)
	}
	set(e)
	return nil
}
