package sim

import (
	"encoding/binary"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
)

// TestNumbers reads numbers from text.
func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		helper, text string
		base         uint64
		result       int64 // bytes, or a negative errno
		value        int64
	}{
		{"strtol", "42", 0, 2, 42}, {"strtol", "-42x", 10, 3, -42}, {"strtol", "  7 8", 0, 3, 7}, {"strtol", "0x1fg", 0, 4, 31}, {"strtol", "017", 0, 3, 15},
		{"strtol", "1f", 16, 2, 31}, {"strtol", "x", 0, -22, 0}, {"strtol", "-", 0, -22, 0}, {"strtol", "5", 7, -22, 0}, {"strtol", "9223372036854775808", 0, -34, 0},
		{"strtol", "-9223372036854775808", 0, 20, -1 << 63}, {"strtoul", "18446744073709551615", 0, 20, -1}, {"strtoul", "18446744073709551616", 0, -34, 0},
		{"strtoul", "-1", 0, -22, 0}, {"strtoul", "09", 0, 1, 0},
	} {
		m := New(Options{})
		text := m.NewMemory("text", []byte(c.text), false)
		out := make([]byte, 8)
		addr := m.NewMemory("out", out, true)
		v, err := m.Call(abi.HelperByName(c.helper).ID, [5]uint64{text, uint64(len(c.text)), c.base, addr}, m.NewRun(0))
		if err != nil || int64(v) != c.result || int64(binary.LittleEndian.Uint64(out)) != c.value {
			t.Errorf("%s %q %d: %d, %d, %v", c.helper, c.text, c.base, int64(v), int64(binary.LittleEndian.Uint64(out)), err)
		}
	}
}

// TestOutside notes what programs do to the world.
func TestOutside(t *testing.T) {
	m := New(Options{})
	call := func(helper string, args ...uint64) int64 {
		t.Helper()
		var a [5]uint64
		copy(a[:], args)
		v, err := m.Call(abi.HelperByName(helper).ID, a, m.NewRun(0))
		if err != nil {
			t.Errorf("%s: %v", helper, err)
		}
		return int64(v)
	}
	if call("send-signal", 9) != 0 || call("send-signal-thread", 10) != 0 || call("send-signal", 65) != -22 {
		t.Error("send-signal")
	}
	if len(m.Signals) != 2 || m.Signals[0] != (Signal{9, false}) || m.Signals[1] != (Signal{10, true}) {
		t.Errorf("%v", m.Signals)
	}
	minus := ^uint64(0)
	if call("set-retval", minus) != 0 || call("get-retval") != -1 {
		t.Error("retval")
	}
	f := m.NewMemory("format", []byte("n=%d\n\x00"), false)
	arg := m.NewMemory("args", binary.LittleEndian.AppendUint64(nil, 7), false)
	if call("seq-printf", 0, f, 6, arg, 8) != 0 || call("seq-write", 0, f, 2) != 0 || string(m.Output) != "n=7\nn=" {
		t.Errorf("%q", m.Output)
	}
	m.CgroupID = 77
	if call("get-current-ancestor-cgroup-id", 0) != 1 || call("get-current-ancestor-cgroup-id", 1) != 77 || call("get-current-ancestor-cgroup-id", 2) != 0 {
		t.Error("cgroups")
	}
	m.PidTgid = 5<<32 | 6
	out := make([]byte, 8)
	if call("get-ns-current-pid-tgid", 0, 0, m.NewMemory("out", out, true), 8) != 0 || binary.LittleEndian.Uint32(out) != 6 || binary.LittleEndian.Uint32(out[4:]) != 5 {
		t.Errorf("%v", out)
	}
	mem := make([]byte, 4)
	if call("probe-write-user", m.NewMemory("user", mem, true), f, 3) != 0 || string(mem[:3]) != "n=%" || call("probe-write-user", 1<<50, f, 3) != -1 {
		t.Errorf("%q", mem)
	}
}
