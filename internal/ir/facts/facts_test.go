package facts

import (
	"fmt"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/ir"
)

func parse(t testing.TB, body string) *ir.Func {
	t.Helper()
	f, err := ir.Parse("func f\n" + body)
	if err == nil {
		err = ir.Verify(f)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return f
}

func testEnv() Env {
	return Env{Ctx: abi.CtxStructByName("xdp_md"), Map: func(name string) *Map {
		switch name {
		case "h":
			return &Map{MaxEntries: 8, KeySize: 4, ValueSize: 8}
		case "arr":
			return &Map{Array: true, MaxEntries: 4, KeySize: 4, ValueSize: 8}
		}
		return nil
	}}
}

// The beginnings of functions: v3 is a map value or null, v10 and v11 are
// the packet's ends, v21 a ring-buffer record or null.
const (
	lookup = `slot s1 4 key
b0(v0:ctx):
	v1 = const 0
	v2:map = mapaddr "h"
	v4:stack = stackaddr s1+0
	store.4 v4+0 v1
	v3:value = call 1 v2 v4
`
	packetStart = `b0(v0:ctx):
	v1 = const 0
	v10:packet = load.4 v0+0
	v11:end = load.4 v0+4
	v12 = load.4 v0+16
`
	reserve = `b0(v0:ctx):
	v1 = const 0
	v2:map = mapaddr "rb"
	v3 = const 16
	v21:record = call 131 v2 v3 v1
	v12 = load.4 v0+16
`
)

// TestCheck gives functions and the findings: kind, and the value's name.
func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"load", lookup + "v5 = load.8 v3+0\nret v5", "0 v5"},
		{"checked", lookup + "br.8 ne v3 v1 b1 b2\nb1:\nv5 = load.8 v3+0\nret v5\nb2:\nret v1", ""},
		{"checked with an immediate", lookup + "br.8 eq v3 #0 b2 b1\nb1:\nv5 = load.8 v3+0\nret v5\nb2:\nret v1", ""},
		{"through a comparison's value", lookup + "v5 = ne.8 v3 v1\nbr.8 ne v5 v1 b1 b2\nb1:\nv6 = load.8 v3+0\nret v6\nb2:\nret v1", ""},
		{"through a parameter", lookup + "v5 = ne.8 v3 v1\njump b3(v5,v3)\nb3(v6,v7:value):\nbr.8 ne v6 v1 b1 b2\nb1:\nv8 = load.8 v7+0\nret v8\nb2:\nret v1", ""},
		{"a flag", lookup + "br.8 ne v3 v1 b1 b2\nb1:\nv5 = const 1\njump b3(v5)\nb2:\njump b3(v1)\nb3(v6):\nbr.8 ne v6 v1 b4 b5\nb4:\nv7 = load.8 v3+0\nret v7\nb5:\nret v1", ""},
		{"a flag that lies", lookup + "br.8 ne v3 v1 b1 b2\nb1:\nv5 = const 1\njump b3(v5)\nb2:\njump b3(v1)\nb3(v6):\nbr.8 ne v6 v1 b5 b4\nb4:\nv7 = load.8 v3+0\nret v7\nb5:\nret v1", "0 v7"},
		{"not null on one way", lookup + "br.8 ne v3 v1 b1 b2\nb1:\njump b2\nb2:\nv5 = load.8 v3+0\nret v5", "0 v5"},
		{"a 32-bit test is none", lookup + "br.4 ne v3 v1 b1 b2\nb1:\nv5 = load.8 v3+0\nret v5\nb2:\nret v1", "0 v5"},
		{"arithmetic", lookup + "v5 = load.4 v0+16\nv6:value = add.8 v3 v5\nbr.8 ne v3 v1 b1 b2\nb1:\nv7 = load.8 v6+0\nret v7\nb2:\nret v1", fmt.Sprint(NullArithmetic, " v6, ", MemoryBounds, " v7")},
		{"unknown argument", "b0(v0:value):\nv1 = load.8 v0+0\nret v1", ""},
		{"unknown call", lookup + "v5 = callsub \"g\" v3\nv6 = load.8 v5+0\nret v6", ""},
		{"a loop that looks up again", `slot s1 4 key
b0(v0:ctx):
	v1 = const 0
	v2:map = mapaddr "h"
	v4:stack = stackaddr s1+0
	store.4 v4+0 v1
	jump b1(v1,v1)
b1(v5:value,v6):
	br.8 ne v5 v1 b2 b3
b2:
	v7 = load.8 v5+0
	jump b3
b3:
	v8:value = call 1 v2 v4
	v9 = const 1
	v10 = add.8 v6 v9
	v11 = const 5
	br.8 ult v10 v11 b1(v8,v10) b4
b4:
	ret v1`, ""},
		{"packet", packetStart + "v13 = load.1 v10+0\nret v13", "2 v13"},
		{"packet checked", packetStart + "v13 = const 14\nv14:packet = add.8 v10 v13\nbr.8 ugt v14 v11 b1 b2\nb1:\nret v1\nb2:\nv15 = load.2 v10+12\nret v15", ""},
		{"packet checked too short", packetStart + "v13 = const 14\nv14:packet = add.8 v10 v13\nbr.8 ugt v14 v11 b1 b2\nb1:\nret v1\nb2:\nv15 = load.4 v10+12\nret v15", "2 v15"},
		{"signed comparison", packetStart + "v13 = const 14\nv14:packet = add.8 v10 v13\nbr.8 sgt v14 v11 b1 b2\nb1:\nret v1\nb2:\nv15 = load.1 v10+0\nret v15", "2 v15"},
		{"variable", packetStart + "v17 = const 255\nv18 = and.8 v12 v17\nv13 = const 14\nv14:packet = add.8 v10 v18\nv16:packet = add.8 v14 v13\nbr.8 ugt v16 v11 b1 b2\nb1:\nret v1\nb2:\nv15 = load.2 v14+12\nret v15", ""},
		{"variable and far", packetStart + "v13 = const 14\nv14:packet = add.8 v10 v12\nv16:packet = add.8 v14 v13\nbr.8 ugt v16 v11 b1 b2\nb1:\nret v1\nb2:\nv15 = load.2 v14+12\nret v15", "2 v15"},
		{"variable after", packetStart + "v13 = const 14\nv14:packet = add.8 v10 v13\nbr.8 ugt v14 v11 b1 b2\nb1:\nret v1\nb2:\nv16:packet = add.8 v10 v12\nv15 = load.2 v16+0\nret v15", "2 v15"},
		{"stale", packetStart + "v13 = const 14\nv14:packet = add.8 v10 v13\nbr.8 ugt v14 v11 b1 b2\nb1:\nret v1\nb2:\nv16 = call 44 v0 v1\nv15 = load.2 v10+0\nret v15", "3 v15"},
		{"leak", reserve + "ret v1", "4 v21"},
		{"no leak", reserve + "br.8 eq v21 v1 b1 b2\nb1:\nret v1\nb2:\nv5 = call 132 v21 v1\nret v1", ""},
		{"leak on one way", reserve + "br.8 eq v21 v1 b1 b2\nb1:\nret v1\nb2:\nbr.8 eq v12 v1 b1 b3\nb3:\nv5 = call 132 v21 v1\nret v1", "4 v21"},
		{"use after release", reserve + "br.8 eq v21 v1 b1 b2\nb1:\nret v1\nb2:\nv5 = call 132 v21 v1\nstore.8 v21+0 v1\nret v1", "5 -"},
		{"stack", "slot s1 8 x\nb0(v0:ctx):\nv1:stack = stackaddr s1+0\nv2 = load.8 v1+0\nret v2", fmt.Sprint(UninitializedStack, " v2")},
		{"stack in part", "slot s1 8 x\nb0(v0:ctx):\nv1:stack = stackaddr s1+0\nv3 = const 1\nstore.4 v1+4 v3\nv2 = load.4 v1+0\nret v2", fmt.Sprint(UninitializedStack, " v2")},
		{"stack elsewhere", "slot s1 8 x\nb0(v0:ctx):\nv1:stack = stackaddr s1+0\nv3 = callsub \"g\" v1\nv2 = load.4 v1+0\nret v2", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parse(t, c.body)
			if has := strings.Contains(c.body, "b0(v0:ctx)"); !has && c.name != "unknown argument" {
				t.Fatal("the case has no context")
			}
			var got []string
			found, _ := Check(f, testEnv())
			for _, x := range append(found, Warnings(f)...) {
				name := fmt.Sprintf("v%d", x.value)
				if !strings.Contains(c.body, name+" ") && !strings.Contains(c.body, name+":") {
					name = "-" // it has no result
				}
				got = append(got, fmt.Sprintf("%d %s", x.Kind, name))
			}
			if g := strings.Join(got, ", "); g != c.want {
				t.Errorf("got %q, want %q", g, c.want)
			}
		})
	}
}

// deep is a function of n lookups, each tested before its load, with a sum.
func deep(n int) string {
	var b strings.Builder
	b.WriteString("slot s1 4 key\nb0(v0:ctx):\nv1 = const 0\nv2:map = mapaddr \"h\"\nv3:stack = stackaddr s1+0\nstore.4 v3+0 v1\njump b1(v1)\n")
	for i := range n {
		v, bl := 10+10*i, 1+3*i
		fmt.Fprintf(&b, "b%d(v%d):\nv%d:value = call 1 v2 v3\nbr.8 ne v%d v1 b%d b%d\n", bl, v, v+1, v+1, bl+1, bl+2)
		fmt.Fprintf(&b, "b%d:\nv%d = load.8 v%d+0\nv%d = add.8 v%d v%d\njump b%d(v%d)\n", bl+1, v+2, v+1, v+3, v, v+2, bl+3, v+3)
		fmt.Fprintf(&b, "b%d:\njump b%d(v%d)\n", bl+2, bl+3, v)
	}
	fmt.Fprintf(&b, "b%d(v%d):\nret v%d\n", 1+3*n, 10+10*n, 10+10*n)
	return b.String()
}

// BenchmarkCheck shows that time grows with the function's size only.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		f := parse(b, deep(n))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				if found, _ := Check(f, testEnv()); len(found) != 0 {
					b.Fatal("a finding")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/lookup")
		})
	}
}
