package sim

// Hash maps, as kernel/bpf/hashtab.c has them: preallocated or not, an
// update of an existing key makes a new value and lets the old one go, except
// in per-CPU maps, where it writes the value in place.

func hashFind(mp *Map, key []byte) *entry { return mp.entries[string(key)] }

func lruFind(mp *Map, key []byte) *entry {
	e := mp.entries[string(key)]
	if e != nil {
		mp.order.MoveToBack(e.at)
	}
	return e
}

// The flags of an update. No simulated value has a spin lock, so BPF_F_LOCK
// is refused like any other unknown flag.
const (
	flagNoExist = 1
	flagExist   = 2
)

func hashUpdate(mp *Map, key, value []byte, flags uint64, cpu int) error {
	if flags > flagExist {
		return eInval
	}
	e := mp.entries[string(key)]
	switch {
	case e != nil && flags == flagNoExist:
		return eExist
	case e == nil && flags == flagExist:
		return eNoEnt
	case e == nil && mp.MaxEntries > 0 && mp.order.Len() >= int(mp.MaxEntries):
		if !mp.kind.LRU {
			return e2Big
		}
		mp.take(mp.order.Front().Value.(*entry))
	}
	switch {
	case e == nil:
		e = mp.new(key)
		for range mp.cellsFor() {
			e.cells = append(e.cells, mp.newCell())
		}
		mp.add(e)
	case mp.kind.LRU:
		mp.order.MoveToBack(e.at)
		fallthrough
	default:
		if !mp.kind.PerCPU {
			mp.drop(e.cells[0])
			e.cells[0] = mp.newCell()
		}
	}
	mp.set(e, value, cpu)
	return nil
}

// set writes value in place: on one processor, or on all (cpu -1), where
// value may be a row of them.
func (mp *Map) set(e *entry, value []byte, cpu int) {
	n := int(mp.ValueSize)
	for i, c := range e.cells {
		switch {
		case cpu >= 0 && len(e.cells) > 1 && i != cpu:
		case len(value) > n:
			copy(c.data, value[i*n:])
		default:
			copy(c.data, value)
		}
	}
}

func hashRemove(mp *Map, key []byte) error {
	e := mp.entries[string(key)]
	if e == nil {
		return eNoEnt
	}
	mp.take(e)
	return nil
}
