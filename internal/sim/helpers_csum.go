package sim

import "encoding/binary"

// Internet checksums: sums of 16-bit words in which a carry comes back in at
// the bottom. The words are taken as a little-endian machine loads them.

// fold brings a sum down to 16 bits.
func fold(sum uint64) uint16 {
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}

func sum16(b []byte) (sum uint64) {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.LittleEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint64(b[0])
	}
	return sum
}

// csumDiff gives a checksum that seed becomes when from is taken away and to
// put in its place. The kernel gives it folded to 16 bits since 6.13.
func csumDiff(m *Machine, _ *Run, a [5]uint64) (uint64, error) {
	nf, nt := uint32(a[1]), uint32(a[3])
	if (nf|nt)%4 != 0 {
		return eInval.Result(), nil
	}
	from, err := m.Bytes(a[0], int(nf))
	if err != nil {
		return 0, err
	}
	to, err := m.Bytes(a[2], int(nt))
	if err != nil {
		return 0, err
	}
	sum := a[4]&0xffffffff + sum16(to)
	if nf > 0 {
		sum += uint64(^fold(sum16(from)))
	}
	return uint64(fold(sum)), nil
}

// csumField is the checksum in the packet that a helper changes.
func (m *Machine) csumField(r *Run, off uint64) ([]byte, Errno, error) {
	p, err := m.packetOf(r)
	if err != nil {
		return nil, 0, err
	}
	if off > 0xffff || off&1 != 0 {
		return nil, eFault, nil
	}
	b := p.part(off, 2)
	if b == nil {
		return nil, eFault, nil
	}
	return b, 0, nil
}

// replace puts the change from -> to of a 16- or 32-bit field, or the
// difference to alone (size 0), into a checksum.
func replace(old uint16, from, to, size uint64) (uint16, bool) {
	sum := uint64(^old)
	switch size {
	case 0:
		if from != 0 {
			return 0, false
		}
		sum += to & 0xffffffff
	case 2:
		sum += uint64(^uint16(from)) + to&0xffff
	case 4:
		sum += uint64(^uint32(from)) + to&0xffffffff
	default:
		return 0, false
	}
	return ^fold(sum), true
}

func l3CsumReplace(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	size := constant("BPF_F_HDR_FIELD_MASK")
	if a[4]&^size != 0 {
		return eInval.Result(), nil
	}
	b, bad, err := m.csumField(r, uint64(uint32(a[1])))
	if err != nil || bad != 0 {
		return bad.result(), err
	}
	v, ok := replace(binary.LittleEndian.Uint16(b), a[2], a[3], a[4]&size)
	if !ok {
		return eInval.Result(), nil
	}
	binary.LittleEndian.PutUint16(b, v)
	return 0, nil
}

// l4CsumReplace is the same for TCP and UDP. With BPF_F_MARK_MANGLED_0 a
// checksum of 0 means none and stays; a new one of 0 is written as 0xffff.
func l4CsumReplace(m *Machine, r *Run, a [5]uint64) (uint64, error) {
	size := constant("BPF_F_HDR_FIELD_MASK")
	mangled, enforce := constant("BPF_F_MARK_MANGLED_0"), constant("BPF_F_MARK_ENFORCE")
	if a[4]&^(size|mangled|enforce|constant("BPF_F_PSEUDO_HDR")|constant("BPF_F_IPV6")) != 0 {
		return eInval.Result(), nil
	}
	b, bad, err := m.csumField(r, uint64(uint32(a[1])))
	if err != nil || bad != 0 {
		return bad.result(), err
	}
	old := binary.LittleEndian.Uint16(b)
	if a[4]&mangled != 0 && a[4]&enforce == 0 && old == 0 {
		return 0, nil
	}
	v, ok := replace(old, a[2], a[3], a[4]&size)
	if !ok {
		return eInval.Result(), nil
	}
	if a[4]&mangled != 0 && v == 0 {
		v = 0xffff
	}
	binary.LittleEndian.PutUint16(b, v)
	return 0, nil
}
