package sim

import "encoding/binary"

// Arrays: every entry exists from the start, here from its first use on.

func arrayFind(mp *Map, key []byte) *entry {
	if binary.LittleEndian.Uint32(key) >= mp.MaxEntries {
		return nil
	}
	e := mp.entries[string(key)]
	if e == nil {
		e = mp.new(key)
		for range mp.cellsFor() {
			e.cells = append(e.cells, mp.newCell())
		}
		mp.add(e)
	}
	return e
}

func arrayUpdate(mp *Map, key, value []byte, flags uint64, cpu int) error {
	if flags > flagExist {
		return eInval
	}
	e := arrayFind(mp, key)
	if e == nil {
		return e2Big
	}
	if flags == flagNoExist {
		return eExist
	}
	mp.set(e, value, cpu)
	return nil
}

func arrayRemove(*Map, []byte) error { return eInval }

// Arrays of objects (programs, maps, devices, sockets): an entry may be empty.

func slotFind(mp *Map, key []byte) *entry { return mp.entries[string(key)] }

func slotUpdate(mp *Map, key, value []byte, flags uint64, cpu int) error {
	switch {
	case flags > flagExist:
		return eInval
	case binary.LittleEndian.Uint32(key) >= mp.MaxEntries:
		return e2Big
	case flags == flagNoExist:
		return eExist
	}
	e := mp.entries[string(key)]
	if e == nil {
		e = mp.new(key)
		e.cells = []*cell{mp.newCell()}
		mp.add(e)
	}
	mp.set(e, value, cpu)
	return nil
}

// slotRemove is for what is held by file descriptors.
func slotRemove(mp *Map, key []byte) error {
	if binary.LittleEndian.Uint32(key) >= mp.MaxEntries {
		return e2Big
	}
	return hashRemove(mp, key)
}

// deviceRemove is for devices, processors and sockets: an entry that is empty
// already is fine.
func deviceRemove(mp *Map, key []byte) error {
	if binary.LittleEndian.Uint32(key) >= mp.MaxEntries {
		return eInval
	}
	if e := mp.entries[string(key)]; e != nil {
		mp.take(e)
	}
	return nil
}
