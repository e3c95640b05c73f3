package load

import (
	"bytes"
	"encoding/binary"
)

// Kinds of types in BTF, as <linux/btf.h> numbers them.
const (
	kindInt       = 1
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindDeclTag   = 17
	kindEnum64    = 19
)

// btfHead is how long a record is without what follows for its kind.
const btfHead = 12

// btfParts are the records and the texts of BTF, nil where it is broken.
func btfParts(blob []byte) (recs, strs []byte) {
	const hdr = 24
	le := binary.LittleEndian
	if len(blob) < hdr || le.Uint32(blob[4:]) != hdr {
		return nil, nil
	}
	cut := func(off, n uint32) []byte {
		from, to := uint64(hdr)+uint64(off), uint64(hdr)+uint64(off)+uint64(n)
		if to > uint64(len(blob)) {
			return nil
		}
		return blob[from:to]
	}
	return cut(le.Uint32(blob[8:]), le.Uint32(blob[12:])), cut(le.Uint32(blob[16:]), le.Uint32(blob[20:]))
}

// btfRecords are the records one by one, in place; nil where one is cut off.
func btfRecords(recs []byte) (all [][]byte) {
	for len(recs) >= btfHead {
		n := int(binary.LittleEndian.Uint32(recs[4:]) & 0xffff)
		size := map[uint32]int{kindInt: 4, kindArray: 12, kindStruct: 12 * n, kindUnion: 12 * n, kindEnum: 8 * n,
			kindFuncProto: 8 * n, kindVar: 4, kindDatasec: 12 * n, kindDeclTag: 4, kindEnum64: 12 * n}[btfKind(recs)]
		if len(recs) < btfHead+size {
			return nil
		}
		all = append(all, recs[:btfHead+size])
		recs = recs[btfHead+size:]
	}
	return all
}

func btfKind(r []byte) uint32 { return binary.LittleEndian.Uint32(r[4:]) >> 24 & 31 }

func btfName(r, strs []byte) string {
	off := uint64(binary.LittleEndian.Uint32(r))
	if off >= uint64(len(strs)) {
		return ""
	}
	s, _, _ := bytes.Cut(strs[off:], []byte{0})
	return string(s)
}
