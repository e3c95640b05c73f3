package interp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/sim"
)

// parse reads a function; {name} stands for a helper's number.
func parse(t *testing.T, text string) *ir.Func {
	t.Helper()
	for {
		_, rest, ok := strings.Cut(text, "{")
		if !ok {
			break
		}
		name, _, _ := strings.Cut(rest, "}")
		text = strings.Replace(text, "{"+name+"}", fmt.Sprint(abi.HelperByName(name).ID), 1)
	}
	f, err := ir.Parse(text)
	if err == nil {
		err = ir.Verify(f)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return f
}

func machine(t *testing.T) *sim.Machine {
	t.Helper()
	m := sim.New(sim.Options{})
	for _, d := range []sim.MapDef{{Name: "counts", Type: "hash", KeySize: 4, ValueSize: 8, MaxEntries: 4},
		{Name: "events", Type: "ringbuf", MaxEntries: 4096}} {
		if _, err := m.AddMap(d); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		name, body string
		args       []uint64
		want       uint64
	}{
		{"arithmetic", "v2 = add.8 v0 v1\n v3 = mul.4 v2 #-1\n ret v3", []uint64{3, 4}, 0xfffffff9},
		{"32 bits", "v2 = add.4 v0 v1\n ret v2", []uint64{0xffffffff, 2}, 1},
		{"byte order", "v2 = be.2 v0\n ret v2", []uint64{0x1234, 0}, 0x3412},
		{"sext", "v2 = sext.1 v0\n ret v2", []uint64{0x80, 0}, 0xffffffffffffff80},
		{"division by zero", "v2 = udiv.8 v0 v1\n v3 = umod.8 v0 v1\n v4 = add.8 v2 v3\n ret v4", []uint64{7, 0}, 7},
		{"immediate", "v2 = sub.8 v0 #-5\n ret v2", []uint64{1, 0}, 6},
		{"spill", "spill v0\n v3 = reload v0\n ret v3", []uint64{9, 0}, 9},
		{"store immediate", "store.4 s1+4 #-1\n store.4 s1+0 #1\n v3 = load.8 s1+0\n ret v3", []uint64{0, 0}, 0xffffffff00000001},
		{"sign-extending load", "store.1 s1+3 v0\n v3 = loads.1 s1+3\n ret v3", []uint64{0x180, 0}, 0xffffffffffffff80},
		{"stack address", "v2 = stackaddr s1+8\n store.8 v2+0 v0\n v4 = load.8 s1+8\n ret v4", []uint64{77, 0}, 77},
		{"atomic", "store.8 s1+0 v0\n v3 = atomic.8 \"fetch-add\" s1+0 v1\n v4 = load.8 s1+0\n v5 = mul.8 v3 #100\n v6 = add.8 v5 v4\n ret v6", []uint64{5, 3}, 508},
		{"atomic without fetch", "v2 = stackaddr s1+0\n store.8 v2+0 v0\n v3 = atomic.8 \"xor\" v2+0 #1\n v4 = load.8 s1+0\n ret v4", []uint64{5, 3}, 4},
		{"cmpxchg", "store.4 s1+0 v0\n v3 = atomic.4 \"cmpxchg\" s1+0 v0 v1\n v4 = load.4 s1+0\n v5 = mul.8 v3 #100\n v6 = add.8 v5 v4\n ret v6", []uint64{5, 3}, 503},
		{"xchg", "store.4 s1+0 v0\n v3 = atomic.4 \"xchg\" s1+0 v1\n v4 = load.4 s1+0\n v5 = mul.8 v3 #100\n v6 = add.8 v5 v4\n ret v6", []uint64{5, 3}, 503},
		{"swapped parameters", "jump b1(v0,v1,v0)\nb1(v2,v3,v4):\n v5 = sub.8 v2 v3\n br.8 sgt v5 #0 b1(v3,v2,v5) b2\nb2:\n v6 = mul.8 v3 #10\n v7 = add.8 v6 v2\n ret v7", []uint64{7, 2}, 72},
		{"branch on 32 bits", "br.4 slt v0 #0 b1 b2\nb1:\n v2 = const 1\n ret v2\nb2:\n v3 = const 2\n ret v3", []uint64{0x80000000, 0}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parse(t, "func f\nslot s1 16 x\nb0(v0,v1):\n"+c.body)
			got, err := Run(machine(t), f, c.args)
			if err != nil || got != c.want {
				t.Errorf("%#x, %v, want %#x\n%v", got, err, c.want, f)
			}
		})
	}
}

// count is a program that counts the first bytes of packets.
const count = `func count
slot s1 4 key
slot s2 8 one
b0(v0:ctx):
	v1:packet = load.4 v0+0
	v2:end = load.4 v0+4
	v3:packet = add.8 v1 #14
	br.8 ugt v3 v2 b4 b1
b1:
	v4 = load.1 v1+0
	store.4 s1+0 v4
	v5 = mapaddr "counts"
	v6 = stackaddr s1+0
	v7 = call {map-lookup-elem} v5 v6
	br.8 eq v7 #0 b2 b3
b2:
	store.8 s2+0 #1
	v9 = stackaddr s2+0
	v10 = call {map-update-elem} v5 v6 v9 #1
	jump b4
b3:
	v11 = atomic.8 "add" v7+0 #1
	jump b4
b4:
	v12 = const 2
	ret v12
`

func TestProgram(t *testing.T) {
	m := machine(t)
	f := parse(t, count)
	for _, first := range []byte{1, 2, 1, 1} {
		ctx, err := m.NewPacketContext(abi.ProgTypeByKeyword("xdp"), append([]byte{first}, make([]byte, 20)...), nil)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := Run(m, f, []uint64{ctx}); v != 2 || err != nil {
			t.Fatal(v, err)
		}
	}
	if v, _ := m.Map("counts").Lookup([]byte{1, 0, 0, 0}); binary.LittleEndian.Uint64(v) != 3 {
		t.Errorf("count of 1 is %v", v)
	}
}

func TestCalls(t *testing.T) {
	sum := parse(t, `func sum
b0(v0,v1):
	v2 = load.8 v1+0
	v3 = add.8 v2 v0
	store.8 v1+0 v3
	v4 = const 0
	ret v4
`)
	main := parse(t, `func main
slot s1 8 sum
b0(v0):
	store.8 s1+0 #0
	v1 = stackaddr s1+0
	v2 = const 4
	v3 = callsub "sum" v2 v1
	v4 = const 10
	v5 = mapaddr "sum"
	v6 = call {loop} v4 v5 v1 #0
	v7 = load.8 s1+0
	v8 = mul.8 v6 #100
	v9 = add.8 v8 v7
	ret v9
`)
	in := &Interp{M: machine(t), Subs: map[string]*ir.Func{"sum": sum}}
	if v, err := in.Run(main, []uint64{0}); v != 1049 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ want, body string }{
		{`b0, v1 = load.8 v0+0: read of 8 bytes at 0x0: null pointer`, "v1 = load.8 v0+0\n ret v1"},
		{"byte 4 of stack slot x of f was never written", "store.4 s1+0 #1\n v1 = load.8 s1+0\n ret v1"},
		{"8 bytes above the top", "store.8 s1+16 #1\n ret #0"},
		{"no map or variable nothing", "v1 = mapaddr \"nothing\"\n ret v1"},
		{"more than 1000000 steps", "jump b1\nb1:\n jump b1"},
		{"a record of ring buffer events (8 bytes) was neither", "v1 = mapaddr \"events\"\n v2 = const 8\n v3 = call {ringbuf-reserve} v1 v2 #0\n ret v0"},
		{"v4 has no value", "v1 = mapaddr \"events\"\n v2 = const 8\n v3 = call {ringbuf-reserve} v1 v2 #0\n v4 = call {ringbuf-submit} v3 #0\n ret v4"},
		{"there is no function g", "v1 = callsub \"g\"\n ret v1"},
	} {
		_, err := Run(machine(t), parse(t, "func f\nslot s1 16 x\nb0(v0):\n"+c.body), []uint64{0})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
