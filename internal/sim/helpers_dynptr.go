package sim

import (
	"encoding/binary"
	"errors"
)

// A dynptr's 16 bytes are the address of its data, 0 where it has none, its
// size, and what kind it is: the program never sees them.
const (
	dynptrSize   = 16
	dynptrLocal  = 1
	dynptrRing   = 2
	mostInDynptr = 1<<24 - 1 // DYNPTR_MAX_SIZE of kernel/bpf/helpers.c
)

// setDynptr makes the dynptr at addr.
func (m *Machine) setDynptr(addr, data, size uint64, kind uint32) error {
	b, err := m.Room(addr, dynptrSize)
	if err == nil {
		binary.LittleEndian.PutUint64(b, data)
		binary.LittleEndian.PutUint32(b[8:], uint32(size))
		binary.LittleEndian.PutUint32(b[12:], kind)
	}
	return err
}

func (m *Machine) dynptr(addr uint64) (data, size uint64, kind uint32, err error) {
	b, err := m.Bytes(addr, dynptrSize)
	if err != nil {
		return 0, 0, 0, err
	}
	data, size, kind = binary.LittleEndian.Uint64(b), uint64(binary.LittleEndian.Uint32(b[8:])), binary.LittleEndian.Uint32(b[12:])
	if data != 0 && kind != dynptrLocal && kind != dynptrRing {
		return 0, 0, 0, errors.New("this is no dynptr")
	}
	return data, size, kind, nil
}

func dynptrFromMem(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	size := uint64(uint32(a[1]))
	switch {
	case size > mostInDynptr:
		return e2Big.Result(), m.setDynptr(a[3], 0, 0, 0)
	case a[2] != 0:
		return eInval.Result(), m.setDynptr(a[3], 0, 0, 0)
	}
	if _, err := m.Bytes(a[0], int(size)); err != nil {
		return 0, err
	}
	return 0, m.setDynptr(a[3], a[0], size, dynptrLocal)
}

func ringReserveDynptr(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	size := uint64(uint32(a[1]))
	switch {
	case a[2] != 0:
		return eInval.Result(), m.setDynptr(a[3], 0, 0, 0)
	case size > mostInDynptr:
		return e2Big.Result(), m.setDynptr(a[3], 0, 0, 0)
	}
	rec, err := ringReserve(m, r, [5]uint64{a[0], size})
	if err != nil {
		return 0, err
	}
	if rec == 0 {
		return eInval.Result(), m.setDynptr(a[3], 0, 0, 0)
	}
	return 0, m.setDynptr(a[3], rec, size, dynptrRing)
}

// endRingDynptr gives the record of a dynptr back.
func endRingDynptr(end helperFunc) helperFunc {
	return func(m *Machine, r *Run, a [5]uint64) (uint64, error) {
		data, _, kind, err := m.dynptr(a[0])
		if err != nil || data == 0 {
			return 0, err
		}
		if kind != dynptrRing {
			return 0, errors.New("this dynptr is of no ring buffer")
		}
		if _, err := end(m, r, [5]uint64{data, a[1]}); err != nil {
			return 0, err
		}
		return 0, m.setDynptr(a[0], 0, 0, 0)
	}
}

// inDynptr is the address of n bytes at off in the dynptr at addr.
func (m *Machine) inDynptr(addr, off, n, flags uint64) (uint64, Errno, error) {
	data, size, _, err := m.dynptr(addr)
	off, n = uint64(uint32(off)), uint64(uint32(n))
	switch {
	case err != nil:
		return 0, 0, err
	case data == 0 || flags != 0:
		return 0, eInval, nil
	case n > size || off > size-n:
		return 0, e2Big, nil
	}
	return data + off, 0, nil
}

func (m *Machine) copyDynptr(dst, src, n uint64) (uint64, error) {
	from, err := m.Bytes(src, int(uint32(n)))
	if err != nil {
		return 0, err
	}
	to, err := m.Room(dst, int(uint32(n)))
	if err == nil {
		copy(to, from)
	}
	return 0, err
}

func dynptrRead(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	at, errno, err := m.inDynptr(a[2], a[3], a[1], a[4])
	if err != nil || errno != 0 {
		return errno.Result(), err
	}
	return m.copyDynptr(a[0], at, a[1])
}

func dynptrWrite(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	at, errno, err := m.inDynptr(a[0], a[1], a[3], a[4])
	if err != nil || errno != 0 {
		return errno.Result(), err
	}
	return m.copyDynptr(at, a[2], a[3])
}

func dynptrData(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	at, errno, err := m.inDynptr(a[0], a[1], a[2], 0)
	if err != nil || errno != 0 {
		return 0, err
	}
	return at, nil
}
