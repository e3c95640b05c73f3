package sim

import (
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/abi"
)

// TestTable: every simulated helper is one of the kernel's.
func TestTable(t *testing.T) {
	for name := range helperFuncs() {
		if h := abi.HelperByName(name); h == nil || h.Name != name {
			t.Errorf("there is no helper %s", name)
		}
	}
	for keyword := range mapKinds {
		if k := abi.MapTypeByKeyword(keyword); k == nil || k.Keyword != keyword {
			t.Errorf("there is no map type %s", keyword)
		}
	}
}

func TestPrintk(t *testing.T) {
	for _, c := range []struct {
		format string
		args   []uint64
		want   string
	}{
		{"plain", nil, "plain"},
		{"%d %u %x", []uint64{0xffffffffffffffff, 0x1ffffffff, 0xabcdef0123456789}, "-1 4294967295 23456789"},
		{"%ld %lld %li", []uint64{1 << 63, ^uint64(0), 5}, "-9223372036854775808 -1 5"},
		{"%lu %llu %llx", []uint64{1 << 63, ^uint64(0), 1 << 40}, "9223372036854775808 18446744073709551615 10000000000"},
		{"%i%%%c", []uint64{7, 'x'}, "7%x"},
		{"%5d|%-5d|%05u", []uint64{1, 2, 3}, "    1|2    |00003"},
		{"%X\n", []uint64{0xbeef}, "BEEF"},
	} {
		m := New(Options{})
		run := m.NewRun(0)
		f := m.NewMemory("format", append([]byte(c.format), 0), false)
		args := append([]uint64{f, uint64(len(c.format) + 1)}, c.args...)
		n := helper(t, m, run, "trace-printk", args...)
		if len(m.Trace) != 1 || m.Trace[0] != c.want || int(n) != len(c.want)+strings.Count(c.format, "\n") {
			t.Errorf("%q: %q, %d", c.format, m.Trace, n)
		}
	}
	m := New(Options{})
	run := m.NewRun(0)
	name := m.NewMemory("name", []byte("eth0\x00"), false)
	f := m.NewMemory("format", []byte("%s %s\x00"), false)
	helper(t, m, run, "trace-printk", f, 6, name, 1)
	if m.Trace[0] != "eth0 " {
		t.Errorf("%q", m.Trace)
	}
	for _, bad := range []string{"%q", "%", "%hd", "%d%d%d%d", "%f", "\x80"} {
		f := m.NewMemory("format", append([]byte(bad), 0), false)
		if r := helper(t, m, run, "trace-printk", f, uint64(len(bad)+1)); r != eInval.Result() {
			t.Errorf("%q: %d", bad, int64(r))
		}
	}
}

func TestWorld(t *testing.T) {
	m := New(Options{CPUs: 4, Seed: 3})
	m.CPU, m.Time, m.TimeStep, m.PidTgid, m.UidGid, m.Comm = 2, 5_000_000_000, 10, 7<<32|8, 9, "a process with a long name"
	run := m.NewRun(0)
	for name, want := range map[string]uint64{"get-smp-processor-id": 2, "get-current-pid-tgid": 7<<32 | 8, "get-current-uid-gid": 9} {
		if got := helper(t, m, run, name); got != want {
			t.Errorf("%s = %d", name, got)
		}
	}
	if a, b := helper(t, m, run, "ktime-get-ns"), helper(t, m, run, "ktime-get-boot-ns"); a != 5_000_000_000 || b != a+10 {
		t.Error(a, b)
	}
	buf := make([]byte, 20)
	out := m.NewMemory("buffer", buf, true)
	helper(t, m, run, "get-current-comm", out, 20)
	if string(buf) != "a process with \x00\x00\x00\x00\x00" {
		t.Errorf("%q", buf)
	}
	other := New(Options{Seed: 3})
	if a, b := helper(t, m, run, "get-prandom-u32"), helper(t, other, other.NewRun(0), "get-prandom-u32"); a != b || a>>32 != 0 {
		t.Error(a, b)
	}
	src := m.NewMemory("source", []byte("hello\x00world"), false)
	if n := helper(t, m, run, "probe-read-kernel-str", out, 20, src); n != 6 || string(buf[:6]) != "hello\x00" {
		t.Errorf("%d %q", n, buf)
	}
	if n := helper(t, m, run, "probe-read-kernel-str", out, 3, src); n != 3 || string(buf[:3]) != "he\x00" {
		t.Errorf("%d %q", n, buf)
	}
	if r := helper(t, m, run, "probe-read-user", out, 4, 12345); r != eFault.Result() || buf[0] != 0 {
		t.Error(int64(r), buf)
	}
	m.Mock[abi.HelperByName("get-route-realm").ID] = func([5]uint64) (uint64, error) { return 77, nil }
	if helper(t, m, run, "get-route-realm") != 77 {
		t.Error("the mock was not called")
	}
	if _, err := m.Call(abi.HelperByName("sock-map-update").ID, [5]uint64{}, run); err == nil || !strings.Contains(err.Error(), "bpf_sock_map_update: not simulated") {
		t.Error(err)
	}
}
