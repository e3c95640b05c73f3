package sim

import (
	"errors"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
)

func mustMap(t *testing.T, m *Machine, def MapDef) *Map {
	t.Helper()
	mp, err := m.AddMap(def)
	if err != nil {
		t.Fatal(err)
	}
	return mp
}

// helper calls a helper by name.
func helper(t *testing.T, m *Machine, r *Run, name string, args ...uint64) uint64 {
	t.Helper()
	var a [5]uint64
	copy(a[:], args)
	v, err := m.Call(abi.HelperByName(name).ID, a, r)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantFault(t *testing.T, err error, want string) {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want a fault with %q", err, want)
	}
}

func TestFaults(t *testing.T) {
	m := New(Options{})
	counts := mustMap(t, m, MapDef{Name: "counts", Type: "array", KeySize: 4, ValueSize: 8, MaxEntries: 2})
	run := m.NewRun(0)
	key := m.NewMemory("key", []byte{1, 0, 0, 0}, false)
	v := helper(t, m, run, "map-lookup-elem", counts.Addr(), key)
	for _, c := range []struct {
		addr uint64
		size int
		want string
	}{
		{0, 4, "null pointer"},
		{16, 4, "null pointer plus 16"},
		{v + 6, 4, "offset 6 ends 2 bytes past the end of the value of map counts (8 bytes)"},
		{v + 8, 1, "offset 8 ends 1 byte past the end"},
		{v - 1, 1, "1 byte before the start of the value of map counts"},
		{v & 0xffffffff, 4, "there is no memory"},
		{counts.Addr(), 4, "map counts is not memory"},
	} {
		_, err := m.Load(c.addr, c.size)
		wantFault(t, err, c.want)
	}
	wantFault(t, m.Store(key, 1, 0), "key is read-only")
	if err := m.Store(v, 8, 0x1122334455667788); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Load(v+2, 2); got != 0x5566 || err != nil {
		t.Errorf("%#x, %v", got, err)
	}
	s := m.NewStack(16, "the stack")
	if err := m.Store(s.Base, 4, 1); err != nil {
		t.Fatal(err)
	}
	_, err := m.Load(s.Base, 8)
	wantFault(t, err, "byte 4 of the stack was never written")
	_, err = m.Bytes(s.Base+4, 1)
	wantFault(t, err, "byte 4 of the stack was never written")
	wantFault(t, m.Store(s.Base+2, 4, 0), "not aligned")
	if _, err := m.Room(s.Base+4, 12); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Load(s.Base, 8); err != nil {
		t.Error(err)
	}
}

func TestContext(t *testing.T) {
	m := New(Options{})
	xdp, tc := abi.ProgTypeByKeyword("xdp"), abi.ProgTypeByKeyword("tc")
	ctx, err := m.NewPacketContext(xdp, []byte("0123456789abcdef"), map[string]uint64{"rx_queue_index": 7})
	if err != nil {
		t.Fatal(err)
	}
	load := func(ctx uint64, off uint64, size int) uint64 {
		t.Helper()
		v, err := m.Load(ctx+off, size)
		if err != nil {
			t.Error(err)
		}
		return v
	}
	data, end := load(ctx, 0, 4), load(ctx, 4, 4)
	if end-data != 16 || load(data, 0, 1) != '0' || load(ctx, 16, 4) != 7 || load(ctx, 8, 4) != data {
		t.Errorf("data %#x, end %#x", data, end)
	}
	_, err = m.Load(end, 1)
	wantFault(t, err, "offset 16 ends 1 byte past the end of the packet (16 bytes)")
	_, err = m.Load(ctx, 8)
	wantFault(t, err, "xdp_md.data is a pointer, to be read as 4 bytes at offset 0")
	wantFault(t, m.Store(ctx+16, 4, 1), "xdp programs may not write xdp_md.rx_queue_index")
	_, err = m.Load(ctx+24, 4)
	wantFault(t, err, "past the end of the context (struct xdp_md)")

	skb, err := m.NewPacketContext(tc, append(make([]byte, 12), 8, 0, 1, 2), map[string]uint64{"cb[1]": 5, "mark": 9})
	if err != nil {
		t.Fatal(err)
	}
	layout := abi.CtxStructByName("__sk_buff")
	at := func(name string) uint64 { return uint64(layout.Field(name).Offset) }
	if load(skb, at("protocol"), 4) != 8 || load(skb, at("len"), 4) != 16 || load(skb, at("cb")+4, 4) != 5 || load(skb, at("mark"), 4) != 9 {
		t.Error("wrong fields")
	}
	if err := m.Store(skb+at("mark"), 4, 11); err != nil {
		t.Error(err)
	}
	if v, ok := m.Field(skb, "mark"); v != 11 || !ok {
		t.Error(v, ok)
	}
	if _, err := m.NewPacketContext(tc, nil, map[string]uint64{"nonsense": 1}); err == nil {
		t.Error("a field that is not there")
	}
	m.SetLinear(skb, 14)
	data, end = load(skb, at("data"), 4), load(skb, at("data_end"), 4)
	if end-data != 14 {
		t.Errorf("%d bytes are linear", end-data)
	}
	run := m.NewRun(skb)
	helper(t, m, run, "skb-pull-data", skb, 0)
	_, err = m.Load(data, 1)
	wantFault(t, err, "the packet is gone: bpf_skb_pull_data may have moved it")
	data, end = load(skb, at("data"), 4), load(skb, at("data_end"), 4)
	if end-data != 16 {
		t.Errorf("%d bytes are linear", end-data)
	}
}
