package sim

import (
	"bytes"
	"testing"
)

// TestDeleted: a value that a program found stays readable until it ends,
// even if it was deleted or replaced.
func TestDeleted(t *testing.T) {
	m := New(Options{})
	mp := mustMap(t, m, MapDef{Name: "h", Type: "hash", KeySize: 4, ValueSize: 8, MaxEntries: 2})
	for i := range uint32(2) {
		if err := mp.Update(le32(i), le64(uint64(i+10)), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := mp.Update(le32(5), le64(0), 0); err != e2Big {
		t.Errorf("full: %v", err)
	}
	run := m.NewRun(0)
	key := m.NewMemory("key", le32(1), false)
	value := m.NewMemory("value", le64(99), false)
	old := helper(t, m, run, "map-lookup-elem", mp.Addr(), key)
	helper(t, m, run, "map-update-elem", mp.Addr(), key, value, 0)
	fresh := helper(t, m, run, "map-lookup-elem", mp.Addr(), key)
	if r := helper(t, m, run, "map-delete-elem", mp.Addr(), key); r != 0 {
		t.Error(r)
	}
	if r := helper(t, m, run, "map-delete-elem", mp.Addr(), key); r != eNoEnt.Result() {
		t.Errorf("%d", int64(r))
	}
	for addr, want := range map[uint64]uint64{old: 11, fresh: 99} {
		if v, err := m.Load(addr, 8); v != want || err != nil {
			t.Errorf("%d, %v, want %d", v, err, want)
		}
	}
	if err := run.Finish(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Load(old, 8); err == nil {
		t.Error("still there")
	}
}

func TestLRU(t *testing.T) {
	m := New(Options{})
	mp := mustMap(t, m, MapDef{Name: "l", Type: "lru-hash", KeySize: 4, ValueSize: 4, MaxEntries: 3})
	for i := range uint32(3) {
		mp.Update(le32(i), le32(i), 0)
	}
	key := m.NewMemory("key", le32(0), false)
	helper(t, m, m.NewRun(0), "map-lookup-elem", mp.Addr(), key)
	if err := mp.Update(le32(3), le32(3), 0); err != nil {
		t.Error(err)
	}
	if _, ok := mp.Lookup(le32(1)); ok || mp.Len() != 3 {
		t.Errorf("%d entries, keys %v", mp.Len(), mp.Keys())
	}
}

func TestPerCPU(t *testing.T) {
	m := New(Options{CPUs: 3})
	mp := mustMap(t, m, MapDef{Name: "p", Type: "percpu-hash", KeySize: 4, ValueSize: 4, MaxEntries: 3})
	run := m.NewRun(0)
	key, value := m.NewMemory("key", le32(0), false), m.NewMemory("value", le32(7), false)
	m.CPU = 1
	helper(t, m, run, "map-update-elem", mp.Addr(), key, value, 0)
	if v, _ := mp.Lookup(le32(0)); !bytes.Equal(v, bytes.Join([][]byte{le32(0), le32(7), le32(0)}, nil)) {
		t.Error(v)
	}
	for cpu, want := range []uint64{0, 7, 0} {
		v, err := m.Load(helper(t, m, run, "map-lookup-percpu-elem", mp.Addr(), key, uint64(cpu)), 4)
		if v != want || err != nil {
			t.Errorf("processor %d: %d, %v", cpu, v, err)
		}
	}
	if helper(t, m, run, "map-lookup-percpu-elem", mp.Addr(), key, 3) != 0 {
		t.Error("processor 3")
	}
}

func TestMapOfMaps(t *testing.T) {
	m := New(Options{})
	def := MapDef{Name: "inner", Type: "array", KeySize: 4, ValueSize: 8, MaxEntries: 1, Values: [][]byte{le64(42)}}
	outer := mustMap(t, m, MapDef{Name: "outer", Type: "hash-of-maps", KeySize: 4, ValueSize: 4, MaxEntries: 2, Inner: &def})
	inner, err := m.NewInner(def)
	if err != nil {
		t.Fatal(err)
	}
	if err := outer.SetInner(le32(7), inner); err != nil {
		t.Fatal(err)
	}
	run := m.NewRun(0)
	k7, k0 := m.NewMemory("key", le32(7), false), m.NewMemory("key", le32(0), false)
	addr := helper(t, m, run, "map-lookup-elem", outer.Addr(), k7)
	if addr != inner.Addr() || helper(t, m, run, "map-lookup-elem", outer.Addr(), k0) != 0 {
		t.Errorf("%#x", addr)
	}
	if v, err := m.Load(helper(t, m, run, "map-lookup-elem", addr, k0), 8); v != 42 || err != nil {
		t.Error(v, err)
	}
}

func TestBloom(t *testing.T) {
	m := New(Options{})
	mp := mustMap(t, m, MapDef{Name: "b", Type: "bloom-filter", ValueSize: 4, MaxEntries: 10})
	if err := mp.Push(le32(1), 0); err != nil {
		t.Fatal(err)
	}
	run := m.NewRun(0)
	for v, want := range map[uint32]uint64{1: 0, 2: eNoEnt.Result()} {
		if got := helper(t, m, run, "map-peek-elem", mp.Addr(), m.NewMemory("value", le32(v), true)); got != want {
			t.Errorf("%d: %d", v, int64(got))
		}
	}
}

func TestBadMaps(t *testing.T) {
	m := New(Options{})
	for _, def := range []MapDef{
		{Type: "hush", KeySize: 4, ValueSize: 4, MaxEntries: 1},
		{Type: "array", KeySize: 8, ValueSize: 4, MaxEntries: 1},
		{Type: "hash", KeySize: 4, ValueSize: 4},
		{Type: "ringbuf", MaxEntries: 5000},
		{Type: "hash", KeySize: 4, ValueSize: 0, MaxEntries: 1},
	} {
		if _, err := m.AddMap(def); err == nil {
			t.Errorf("%+v was made", def)
		}
	}
}

func TestRing(t *testing.T) {
	m := New(Options{})
	mp := mustMap(t, m, MapDef{Name: "r", Type: "ringbuf", MaxEntries: 4096})
	run := m.NewRun(0)
	a := helper(t, m, run, "ringbuf-reserve", mp.Addr(), 100, 0)
	b := helper(t, m, run, "ringbuf-reserve", mp.Addr(), 8, 0)
	m.Store(a, 1, 'a')
	m.Store(b, 1, 'b')
	helper(t, m, run, "ringbuf-submit", b, 0)
	if len(mp.Drain()) != 0 {
		t.Error("the first record is still being written")
	}
	helper(t, m, run, "ringbuf-discard", a, 0)
	if r := mp.Drain(); len(r) != 1 || r[0].Data[0] != 'b' {
		t.Error(r)
	}
	// 4096 bytes hold 255 records of 16 bytes: one byte stays free.
	n := 0
	for data := m.NewMemory("data", make([]byte, 8), false); helper(t, m, run, "ringbuf-output", mp.Addr(), data, 8, 0) == 0; n++ {
	}
	if n != 255 || len(mp.Records()) != 255 || helper(t, m, run, "ringbuf-query", mp.Addr(), 0) != 255*16 {
		t.Errorf("%d records", n)
	}
	mp.Drain()
	helper(t, m, run, "ringbuf-reserve", mp.Addr(), 8, 0)
	if err := run.Finish(); err == nil {
		t.Error("a record is held")
	}
}
