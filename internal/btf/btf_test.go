package btf

import (
	"bytes"
	"testing"
)

// TestArrays: arrays of different lengths are different types, whatever the
// lengths; those from 0xd800 to 0xdfff are no runes.
func TestArrays(t *testing.T) {
	b := NewBuilder()
	defer b.Free()
	elem := b.Scalar(1, false)
	seen := map[ID]int{}
	for _, n := range []int{1, 2, 0xd800, 0xd801, 0xdfff, 0x10ffff, 0x110000, 0x110001} {
		id := b.Array(elem, n)
		if m, ok := seen[id]; ok {
			t.Errorf("arrays of %d and of %d bytes are one type", m, n)
		}
		if seen[id] = n; b.Array(elem, n) != id {
			t.Errorf("arrays of %d bytes are two types", n)
		}
	}
}

// TestFree: a table in the memory of another has nothing of it.
func TestFree(t *testing.T) {
	table := func(name string) []byte {
		b := NewBuilder()
		defer b.Free()
		b.Ptr(b.Int(name, 4, true))
		return b.Marshal()
	}
	for range 20 {
		if one, other := table("int"), table("integer"); bytes.Equal(one, other) || !bytes.Equal(one, table("int")) {
			t.Fatalf("%x, then %x", one, other)
		}
	}
}
