package sim

import "fmt"

// Queues, stacks and bloom filters: values without keys. The filter of the
// simulation has no false positives.

func (mp *Map) queued() bool { return mp.is("queue") || mp.is("stack") || mp.is("bloom-filter") }

// Push adds a value to a queue, a stack or a bloom filter.
func (mp *Map) Push(value []byte, flags uint64) error {
	if len(value) != int(mp.ValueSize) {
		return fmt.Errorf("map %s: value of %s, it has %d", mp.Name, count(len(value), "byte"), mp.ValueSize)
	}
	return mp.push(value, flags)
}

func (mp *Map) push(value []byte, flags uint64) error {
	if mp.is("bloom-filter") {
		if flags != 0 {
			return eInval
		}
		mp.entries[string(value)] = &entry{}
		return nil
	}
	// BPF_EXIST: drop the oldest to make room.
	if !mp.queued() || flags&flagNoExist != 0 || flags > flagExist {
		return eInval
	}
	if len(mp.queue) >= int(mp.MaxEntries) {
		if flags != flagExist {
			return e2Big
		}
		mp.queue = mp.queue[1:]
	}
	mp.queue = append(mp.queue, &cell{data: append([]byte(nil), value...)})
	return nil
}

// Pop takes the next value out of a queue or stack.
func (mp *Map) Pop() ([]byte, error) {
	out := make([]byte, mp.ValueSize)
	return out, mp.peek(out, true)
}

// peek writes the next value to out, zeros if there is none; of a bloom
// filter it asks whether out may be in it.
func (mp *Map) peek(out []byte, take bool) error {
	switch {
	case mp.is("bloom-filter") && !take:
		if mp.entries[string(out)] == nil {
			return eNoEnt
		}
		return nil
	case mp.is("bloom-filter"):
		return eNotSup
	case !mp.queued():
		return eInval
	case len(mp.queue) == 0:
		clear(out)
		return eNoEnt
	}
	i := 0
	if mp.is("stack") {
		i = len(mp.queue) - 1
	}
	copy(out, mp.queue[i].data)
	if take {
		mp.queue = append(mp.queue[:i:i], mp.queue[i+1:]...)
	}
	return nil
}
