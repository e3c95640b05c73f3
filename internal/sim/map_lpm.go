package sim

import (
	"encoding/binary"
	"math/bits"
)

// Tries of prefixes, as kernel/bpf/lpm_trie.c: a key is a u32 with the number
// of bits that count and the bits, most significant first. Two keys are
// the same when those bits are.

// commonBits is how many bits a and b begin with in common.
func commonBits(a, b []byte) uint32 {
	n := uint32(0)
	for i := range a {
		if x := a[i] ^ b[i]; x != 0 {
			return n + uint32(bits.LeadingZeros8(x))
		}
		n += 8
	}
	return n
}

func prefixLen(key []byte) uint32 { return binary.LittleEndian.Uint32(key) }

func (mp *Map) maxPrefix() uint32 { return (mp.KeySize - 4) * 8 }

// lpmExact finds the entry with the very prefix of key.
func lpmExact(mp *Map, key []byte) *entry {
	n := prefixLen(key)
	for at := mp.order.Front(); at != nil; at = at.Next() {
		if e := at.Value.(*entry); prefixLen(e.key) == n && commonBits(e.key[4:], key[4:]) >= n {
			return e
		}
	}
	return nil
}

// lpmFind finds the longest prefix that covers key.
func lpmFind(mp *Map, key []byte) *entry {
	n := prefixLen(key)
	if n > mp.maxPrefix() {
		return nil
	}
	var best *entry
	for at := mp.order.Front(); at != nil; at = at.Next() {
		e := at.Value.(*entry)
		p := prefixLen(e.key)
		if p <= n && commonBits(e.key[4:], key[4:]) >= p && (best == nil || p > prefixLen(best.key)) {
			best = e
		}
	}
	return best
}

func lpmUpdate(mp *Map, key, value []byte, flags uint64, cpu int) error {
	if flags > flagExist || prefixLen(key) > mp.maxPrefix() {
		return eInval
	}
	e := lpmExact(mp, key)
	switch {
	case e != nil && flags == flagNoExist:
		return eExist
	case e == nil && flags == flagExist:
		return eNoEnt
	case e == nil && mp.order.Len() >= int(mp.MaxEntries):
		return eNoSpc
	}
	if e != nil { // the kernel replaces the node, key bits beyond the prefix included
		mp.take(e)
	}
	e = mp.new(key)
	e.cells = []*cell{mp.newCell()}
	mp.add(e)
	mp.set(e, value, cpu)
	return nil
}

func lpmRemove(mp *Map, key []byte) error {
	if prefixLen(key) > mp.maxPrefix() {
		return eInval
	}
	e := lpmExact(mp, key)
	if e == nil {
		return eNoEnt
	}
	mp.take(e)
	return nil
}
