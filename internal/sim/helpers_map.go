package sim

import "fmt"

// mapArg is the map of an argument.
func (m *Machine) mapArg(addr uint64) (*Map, error) {
	if mp := m.MapAt(addr); mp != nil {
		return mp, nil
	}
	return nil, fmt.Errorf("%#x is not a map", addr)
}

// mapKey is the map and the key that the first two arguments point to.
func (m *Machine) mapKey(a [5]uint64) (*Map, []byte, error) {
	mp, err := m.mapArg(a[0])
	if err != nil {
		return nil, nil, err
	}
	key, err := m.Bytes(a[1], int(mp.KeySize))
	if err != nil {
		return nil, nil, fmt.Errorf("key of map %s: %w", mp.Name, err)
	}
	return mp, key, nil
}

func mapLookup(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	mp, key, err := m.mapKey(a)
	if err != nil {
		return 0, err
	}
	return mp.found(mp.ops.find(mp, key), m.CPU), nil
}

// found is what a lookup that found e gives.
func (mp *Map) found(e *entry, cpu int) uint64 {
	switch {
	case e == nil:
		return 0
	case e.inner != nil:
		return e.inner.Addr()
	case len(e.cells) == 0:
		return 0
	}
	return mp.address(mp.cell(e, cpu))
}

func mapLookupPercpu(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	mp, key, err := m.mapKey(a)
	if err != nil {
		return 0, err
	}
	cpu := uint64(uint32(a[2]))
	if cpu >= uint64(m.cpus) {
		return 0, nil
	}
	return mp.found(mp.ops.find(mp, key), int(cpu)), nil
}

func mapUpdate(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	mp, key, err := m.mapKey(a)
	if err != nil {
		return 0, err
	}
	value, err := m.Bytes(a[2], int(mp.ValueSize))
	if err != nil {
		return 0, fmt.Errorf("value of map %s: %w", mp.Name, err)
	}
	// The value may be one of the map's own: take a copy.
	return result(mp.ops.update(mp, key, append([]byte(nil), value...), a[3], m.CPU))
}

func mapDelete(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	mp, key, err := m.mapKey(a)
	if err != nil {
		return 0, err
	}
	return result(mp.ops.remove(mp, key))
}

func mapPush(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	mp, err := m.mapArg(a[0])
	if err != nil {
		return 0, err
	}
	value, err := m.Bytes(a[1], int(mp.ValueSize))
	if err != nil {
		return 0, fmt.Errorf("value of map %s: %w", mp.Name, err)
	}
	return result(mp.push(value, a[2]))
}

func mapPop(m *Machine, _ *Run, a [5]uint64) (uint64, error)  { return m.mapTake(a, true) }
func mapPeek(m *Machine, _ *Run, a [5]uint64) (uint64, error) { return m.mapTake(a, false) }

func (m *Machine) mapTake(a [5]uint64, take bool) (uint64, error) {
	mp, err := m.mapArg(a[0])
	if err != nil {
		return 0, err
	}
	if mp.is("bloom-filter") { // here the value is a question, not an answer
		if _, err := m.Bytes(a[1], int(mp.ValueSize)); err != nil {
			return 0, err
		}
	}
	out, err := m.Room(a[1], int(mp.ValueSize))
	if err != nil {
		return 0, err
	}
	return result(mp.peek(out, take))
}

// forEachMapElem calls back with map, key, value and the caller's context,
// until the callback gives 1. It gives the number of calls.
func forEachMapElem(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	mp, err := m.mapArg(a[0])
	if err != nil {
		return 0, err
	}
	if a[3] != 0 {
		return eInval.Result(), nil
	}
	if r.Callback == nil {
		return 0, fmt.Errorf("nothing here can call functions back")
	}
	calls := uint64(0)
	for _, k := range mp.Keys() {
		e := mp.ops.find(mp, k)
		if e == nil { // deleted by the callback
			continue
		}
		key := m.alloc(KindKey, "the key of map "+mp.Name, k, false)
		stop, err := r.Callback(a[1], [5]uint64{a[0], key.Base, mp.found(e, m.CPU), a[2]})
		m.free(key, "the callback returned")
		if err != nil {
			return 0, err
		}
		calls++
		if stop != 0 {
			break
		}
	}
	return calls, nil
}

// maxLoops is BPF_MAX_LOOPS of the kernel, which no header states; helper
// documentation does.
const maxLoops = 1 << 23

func loop(_ *Machine, r *Run, a [5]uint64) (uint64, error) {
	n := uint64(uint32(a[0]))
	switch {
	case a[3] != 0:
		return eInval.Result(), nil
	case n > maxLoops:
		return e2Big.Result(), nil
	case r.Callback == nil:
		return 0, fmt.Errorf("nothing here can call functions back")
	}
	for i := range n {
		stop, err := r.Callback(a[1], [5]uint64{i, a[2]})
		if err != nil {
			return 0, err
		}
		if stop != 0 {
			return i + 1, nil
		}
	}
	return n, nil
}

// storageGet finds the value that belongs to a kernel object, here to its
// address, and makes one if the flags say so.
func storageGet(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	mp, err := m.mapArg(a[0])
	if err != nil {
		return 0, err
	}
	if a[1] == 0 || a[3]&^constant("BPF_LOCAL_STORAGE_GET_F_CREATE") != 0 {
		return 0, nil
	}
	key := le64(a[1])
	e := mp.entries[string(key)]
	if e == nil {
		if a[3] == 0 {
			return 0, nil
		}
		value := make([]byte, mp.ValueSize)
		if a[2] != 0 {
			if value, err = m.Bytes(a[2], len(value)); err != nil {
				return 0, err
			}
		}
		if err := hashUpdate(mp, key, append([]byte(nil), value...), 0, m.CPU); err != nil {
			return 0, nil
		}
		e = mp.entries[string(key)]
	}
	return mp.found(e, m.CPU), nil
}

func storageDelete(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	mp, err := m.mapArg(a[0])
	if err != nil {
		return 0, err
	}
	return result(hashRemove(mp, le64(a[1])))
}

func le64(v uint64) []byte { return append(le32(uint32(v)), le32(uint32(v>>32))...) }

// getLocalStorage gives the cgroup's value, of which there is one.
func getLocalStorage(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	mp, err := m.mapArg(a[0])
	if err != nil {
		return 0, err
	}
	key := make([]byte, mp.KeySize)
	if mp.entries[string(key)] == nil {
		if err := hashUpdate(mp, key, make([]byte, mp.ValueSize), 0, -1); err != nil {
			return 0, err
		}
	}
	return mp.found(mp.entries[string(key)], m.CPU), nil
}

func spinLock(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	if _, err := m.Room(a[0], 4); err != nil {
		return 0, err
	}
	if len(r.locks) > 0 {
		return 0, fmt.Errorf("a spin lock is held already")
	}
	r.locks = append(r.locks, a[0])
	return 0, nil
}

func spinUnlock(_ *Machine, r *Run, a [5]uint64) (uint64, error) {
	if len(r.locks) == 0 || r.locks[0] != a[0] {
		return 0, fmt.Errorf("the spin lock at %#x is not held", a[0])
	}
	r.locks = nil
	return 0, nil
}

// maxTailCalls is MAX_TAIL_CALL_CNT of the kernel's <linux/bpf.h>, which
// helper documentation states.
const maxTailCalls = 33

func tailCall(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	mp, err := m.mapArg(a[1])
	if err != nil {
		return 0, err
	}
	if !mp.is("prog-array") {
		return 0, fmt.Errorf("map %s is no prog-array", mp.Name)
	}
	index := uint64(uint32(a[2]))
	if index >= uint64(mp.MaxEntries) {
		return eInval.Result(), nil
	}
	if r.tails >= maxTailCalls {
		return eInval.Result(), nil
	}
	call := &TailCalled{Map: mp.Name, Index: index}
	if e := mp.entries[string(le32(uint32(index)))]; e != nil {
		call.Prog = e.prog
	} else if m.TailCall == nil || !m.TailCall(mp.Name, index) {
		return eNoEnt.Result(), nil
	}
	r.tails++
	return 0, call
}
