package load

import (
	"encoding/json"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

var (
	u8  = &btf.Int{Name: "u8", Size: 1}
	u16 = &btf.Int{Name: "u16", Size: 2}
	u32 = &btf.Int{Name: "u32", Size: 4}
	i32 = &btf.Int{Name: "i32", Size: 4, Encoding: btf.Signed}
	u64 = &btf.Int{Name: "u64", Size: 8}
)

func members(types ...btf.Type) (ms []btf.Member) {
	off := 0
	for i, t := range types {
		ms = append(ms, btf.Member{Name: string(rune('a' + i)), Type: t, Offset: btf.Bits(8 * off)})
		n, _ := btf.Sizeof(t)
		off += n
	}
	return ms
}

func bytesOf(n int) *btf.Array { return &btf.Array{Index: u32, Type: u8, Nelems: uint32(n)} }

// TestDecode reads bytes by type, as text and as JSON.
func TestDecode(t *testing.T) {
	pair := &btf.Struct{Name: "pair", Size: 8, Members: members(u32, i32)}
	for _, c := range []struct {
		name, data string
		typ        btf.Type
		text, json string
	}{
		{"number", "\x01\x02", u16, "513", "513"},
		{"negative", "\xfe\xff\xff\xff", i32, "-2", "-2"},
		{"largest", "\xff\xff\xff\xff\xff\xff\xff\xff", u64, "18446744073709551615", "18446744073709551615"},
		{"typedef", "\x07", &btf.Typedef{Name: "__u8", Type: u8}, "7", "7"},
		{"no type", "\x05\x00\x00\x00", nil, "5", "5"},
		{"no type, long", "\x01\x02\x03\x04\x05\x06\x07\x08\x09", nil, "010203040506070809", `"010203040506070809"`},
		{"too short for its type", "\x05\x00", u32, "5", "5"},
		{"text", "bash\x00\x00\x00\x00", bytesOf(8), "bash", `"bash"`},
		{"full text", "bash", bytesOf(4), "bash", `"bash"`},
		{"no text", "\x0a\x00\x00\x01", bytesOf(4), "0a000001", `"0a000001"`},
		{"text with a tail", "ab\x00c", bytesOf(4), "61620063", `"61620063"`},
		{"array", "\x01\x00\x02\x00", &btf.Array{Index: u32, Type: u16, Nelems: 2}, "[1 2]", "[1,2]"},
		{"struct", "\x01\x00\x00\x00\xff\xff\xff\xff", pair, "a=1 b=-1", `{"a":1,"b":-1}`},
		{"a lock in a struct", "\x09\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00",
			&btf.Struct{Name: "locked", Size: 8, Members: members(u32, &btf.Struct{Name: "bpf_spin_lock", Size: 4, Members: members(u32)})}, "a=9", `{"a":9}`},
		{"struct in struct", "\x09\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00",
			&btf.Struct{Name: "outer", Size: 12, Members: members(u32, pair)}, "a=9 b=a=1 b=2", `{"a":9,"b":{"a":1,"b":2}}`},
	} {
		v := Decode(c.typ, []byte(c.data))
		if got := Format(v); got != c.text {
			t.Errorf("%s: %q, want %q", c.name, got, c.text)
		}
		got, err := json.Marshal(JSON(v))
		if err != nil || string(got) != c.json {
			t.Errorf("%s: %s %v, want %s", c.name, got, err, c.json)
		}
	}
}

// TestSum adds what the CPUs of a per-CPU map hold.
func TestSum(t *testing.T) {
	for _, c := range []struct {
		in   []any
		want string
	}{
		{nil, "0"},
		{[]any{uint64(1), uint64(2)}, "3"},
		{[]any{int64(1), int64(-2)}, "-1"},
		{[]any{[]Field{{"n", uint64(1)}}, []Field{{"n", uint64(5)}}}, "n=6"},
	} {
		if got := Format(sum(c.in)); got != c.want {
			t.Errorf("%v: %s, want %s", c.in, got, c.want)
		}
	}
}

// TestExplain finds program, line and reason in a verifier's log.
func TestExplain(t *testing.T) {
	err := explain(&ebpf.CollectionSpec{}, &ebpf.VerifierError{Cause: ebpf.ErrNotSupported, Log: []string{
		"; (let ((data (ctx data))) @ drop.lisp:4",
		"0: (61) r1 = *(u32 *)(r1 +0)",
		"; (load u8 data) @ drop.lisp:5",
		"1: (71) r0 = *(u8 *)(r1 +0)",
		"invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)",
		"R1 offset is outside of the packet",
		"processed 2 insns (limit 1000000) max_states_per_insn 0",
	}})
	r, ok := err.(*Refusal)
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	if r.File != "drop.lisp" || r.Line != 5 || r.Reason != "invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)" {
		t.Errorf("%s:%d: %s", r.File, r.Line, r.Reason)
	}
	if r.Unwrap() == nil {
		t.Error("the cause is lost")
	}
}
