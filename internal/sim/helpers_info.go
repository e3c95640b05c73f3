package sim

import "bytes"

// jiffy is a tick of 250 Hz, in nanoseconds.
const jiffy = 4_000_000

// now reads the virtual clock.
func (m *Machine) now() uint64 {
	t := m.Time
	m.Time += m.TimeStep
	return t
}

func clock(m *Machine, _ *Run, _ [5]uint64) (uint64, error) { return m.now(), nil }

// rand is the next number of a splitmix64 generator.
func (m *Machine) rand() uint64 {
	m.random += 0x9e3779b97f4a7c15
	z := m.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// currentComm writes the process name, cut to fit and padded with zeros.
func currentComm(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	out, err := m.Room(a[0], int(uint32(a[1])))
	if err != nil {
		return 0, err
	}
	clear(out)
	if len(out) > 0 {
		copy(out[:len(out)-1], m.Comm[:min(len(m.Comm), 15)])
	}
	return 0, nil
}

// probeRead copies memory that may not be there: then it gives zeros.
func probeRead(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	out, err := m.Room(a[0], int(uint32(a[1])))
	if err != nil {
		return 0, err
	}
	src, err := m.peekMemory(a[2], len(out))
	if err != nil {
		clear(out)
		return eFault.Result(), nil
	}
	copy(out, src)
	return 0, nil
}

// peekMemory reads memory as the kernel itself could: never-written stack
// bytes and contexts included.
func (m *Machine) peekMemory(addr uint64, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	r, off, err := m.at(addr, n, false)
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), r.Bytes[off:off+n]...), nil
}

// probeReadStr copies a string with its 0, cut to fit, and gives its length
// with the 0.
func probeReadStr(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	out, err := m.Room(a[0], int(uint32(a[1])))
	if err != nil || len(out) == 0 {
		return 0, err
	}
	s, ok := m.cString(a[2], len(out)-1)
	if !ok {
		clear(out)
		return eFault.Result(), nil
	}
	n := copy(out, s)
	out[n] = 0
	return uint64(n + 1), nil
}

// cString reads at most n bytes of the string at addr, without its 0.
func (m *Machine) cString(addr uint64, n int) (string, bool) {
	var s []byte
	for len(s) < n {
		b, err := m.peekMemory(addr+uint64(len(s)), 1)
		if err != nil {
			return "", false
		}
		if b[0] == 0 {
			break
		}
		s = append(s, b[0])
	}
	if n == 0 {
		_, err := m.peekMemory(addr, 1)
		return "", err == nil
	}
	return string(s), true
}

// strncmp compares a string of at most s1_sz bytes with a constant one, as
// the C function.
func strncmp(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	s1, err := m.Bytes(a[0], int(uint32(a[1])))
	if err != nil {
		return 0, err
	}
	for i, c := range s1 {
		b, err := m.Bytes(a[2]+uint64(i), 1)
		if err != nil {
			return 0, err
		}
		if c != b[0] {
			// The kernel's strncmp gives -1 or 1.
			if c < b[0] {
				return ^uint64(0), nil
			}
			return 1, nil
		}
		if c == 0 {
			break
		}
	}
	return 0, nil
}

// tracePrintk prints a line with up to three numbers.
func tracePrintk(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	return m.trace(a[0], a[1], a[2:])
}

// traceVprintk prints a line with an array of numbers.
func traceVprintk(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	args, bad, err := m.words(a[2], a[3])
	if err != nil || bad != 0 {
		return bad.result(), err
	}
	return m.trace(a[0], a[1], args)
}

func (e Errno) result() uint64 {
	if e == 0 {
		return 0
	}
	return e.Result()
}

// words reads the array of 64-bit numbers that a format takes.
func (m *Machine) words(addr, size uint64) ([]uint64, Errno, error) {
	if size%8 != 0 || size > 12*8 || addr == 0 && size != 0 {
		return nil, eInval, nil
	}
	b, err := m.Bytes(addr, int(size))
	if err != nil {
		return nil, 0, err
	}
	out := make([]uint64, len(b)/8)
	for i := range out {
		for j := 7; j >= 0; j-- {
			out[i] = out[i]<<8 | uint64(b[8*i+j])
		}
	}
	return out, 0, nil
}

func (m *Machine) trace(format, size uint64, args []uint64) (uint64, error) {
	f, err := m.Bytes(format, int(uint32(size)))
	if err != nil {
		return 0, err
	}
	s, bad := m.format(f, args)
	if bad != 0 {
		return bad.Result(), nil
	}
	m.Trace = append(m.Trace, string(bytes.TrimSuffix([]byte(s), []byte("\n"))))
	return uint64(len(s)), nil
}

// snprintf gives the length with the 0 that the whole text needs.
func snprintf(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	args, bad, err := m.words(a[3], a[4])
	if err != nil || bad != 0 {
		return bad.result(), err
	}
	out, err := m.Room(a[0], int(uint32(a[1])))
	if err != nil {
		return 0, err
	}
	f, ok := m.cString(a[2], 4096)
	if !ok {
		return 0, &Fault{a[2], 1, false, "the format is no string"}
	}
	s, bad := m.format(append([]byte(f), 0), args)
	if bad != 0 {
		return bad.Result(), nil
	}
	if len(out) > 0 {
		out[copy(out[:len(out)-1], s)] = 0
	}
	return uint64(len(s) + 1), nil
}
