package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/load"
)

// structOps reports whether an object has a struct of operations.
func structOps(o *whistler.Object) bool {
	return slices.Contains(o.Sections(), "struct_ops")
}

// opsLinks reports whether bpftool's libbpf, of 1.2 or later, knows the
// section .struct_ops.link.
func opsLinks(t *testing.T) bool {
	t.Helper()
	m := regexp.MustCompile(`libbpf v(\d+)\.(\d+)`).FindStringSubmatch(command(t, "bpftool", "version"))
	var major, minor int
	if m == nil {
		return false
	}
	fmt.Sscan(m[1]+" "+m[2], &major, &minor)
	return major > 1 || major == 1 && minor >= 2
}

func controls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// TestStructOps gives a congestion control to other loaders, in both ways
// to register it, and one of clang's to ours.
func TestStructOps(t *testing.T) {
	need(t, "bpftool", "clang-19")
	dir := t.TempDir()
	object := func(name, text string, options ...string) string {
		src, out := filepath.Join(dir, name+".lisp"), filepath.Join(dir, name+".o")
		if err := os.WriteFile(src, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		command(t, whistlerBin, append([]string{"compile", "-q", "-o", out, src}, options...)...)
		return out
	}
	const name = "wh_e2e"
	const lisp = `(defstruct-ops control tcp-congestion-ops :name "wh_e2e" :ssthresh less :cong-avoid more :undo-cwnd undo)
(defprog less (:type :struct-ops :args (sk)) (tcp-reno-ssthresh sk))
(defprog more (:type :struct-ops :args (sk ack acked)) (tcp-reno-cong-avoid sk ack acked))
(defprog undo (:type :struct-ops :args (sk)) (tcp-reno-undo-cwnd sk))
`
	linked := object("linked", lisp)
	plain := object("plain", lisp, "--target", "5.13")
	registered := func(t *testing.T, want bool) {
		t.Helper()
		if got := controls(t); slices.Contains(got, name) != want {
			t.Errorf("the kernel has %v; %s among them: want %v", got, name, want)
		}
	}
	t.Run("bpftool", func(t *testing.T) {
		command(t, "bpftool", "struct_ops", "register", plain)
		defer exec.Command("bpftool", "struct_ops", "unregister", "name", "control").Run()
		registered(t, true)
		if out := command(t, "bpftool", "struct_ops", "dump", "name", "control"); !strings.Contains(out, `"name": "wh_e2e"`) {
			t.Errorf("no name in\n%s", out)
		}
		command(t, "bpftool", "struct_ops", "unregister", "name", "control")
		registered(t, false)
	})
	t.Run("bpftool, link", func(t *testing.T) {
		if !opsLinks(t) {
			t.Log("this bpftool's libbpf is older than 1.2")
			return
		}
		pins := fmt.Sprintf("/sys/fs/bpf/wh%d-ops", os.Getpid())
		defer os.RemoveAll(pins)
		command(t, "bpftool", "struct_ops", "register", linked, pins)
		registered(t, true)
		os.RemoveAll(pins)
	})
	t.Run("cilium", func(t *testing.T) {
		c, err := ebpf.LoadCollection(linked)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		l, err := link.AttachStructOps(link.StructOpsOptions{Map: c.Maps["control"]})
		if err != nil {
			t.Fatal(err)
		}
		registered(t, true)
		l.Close()
		registered(t, false)
	})
	t.Run("clang", func(t *testing.T) {
		for _, section := range []string{".struct_ops", ".struct_ops.link"} {
			src, out := filepath.Join(dir, "c.c"), filepath.Join(dir, "c.o")
			if err := os.WriteFile(src, []byte(strings.ReplaceAll(clangOps, "SECTION", section)), 0o644); err != nil {
				t.Fatal(err)
			}
			command(t, "clang-19", "-g", "-O2", "-target", "bpf", "-c", src, "-o", out)
			command(t, whistlerBin, "run", "-d", "1ms", out)
			registered(t, false)
		}
	})
	t.Run("two of a type", func(t *testing.T) {
		two := object("two", lisp+`(defstruct-ops another tcp-congestion-ops :name "wh_e2e_b" :ssthresh few :cong-avoid more :undo-cwnd undo)
(defprog few (:type :struct-ops) 2)
`)
		data, err := os.ReadFile(two)
		if err != nil {
			t.Fatal(err)
		}
		c, err := load.Open(data)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Attach(load.Targets{}); err != nil {
			t.Fatal(err)
		}
		all, err := load.List()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range all {
			if strings.Contains(p.Attached, name) {
				got = append(got, p.Name+": "+p.Attached)
			}
		}
		slices.Sort(got)
		want := []string{
			`few: struct_ops tcp_congestion_ops "wh_e2e_b" ssthresh`, `less: struct_ops tcp_congestion_ops "wh_e2e" ssthresh`,
			`more: struct_ops tcp_congestion_ops "wh_e2e" cong_avoid`, `more: struct_ops tcp_congestion_ops "wh_e2e_b" cong_avoid`,
			`undo: struct_ops tcp_congestion_ops "wh_e2e" undo_cwnd`, `undo: struct_ops tcp_congestion_ops "wh_e2e_b" undo_cwnd`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("the kernel has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// clangOps is the same in C.
const clangOps = `
#define SEC(name) __attribute__((section(name), used))
typedef unsigned int u32;
struct sock;
struct tcp_congestion_ops {
	u32 (*ssthresh)(struct sock *);
	void (*cong_avoid)(struct sock *, u32, u32);
	u32 (*undo_cwnd)(struct sock *);
	char name[16];
};
SEC("struct_ops") u32 less(void *ctx) { return 2; }
SEC("struct_ops") void more(void *ctx) {}
SEC("struct_ops") u32 undo(void *ctx) { return 2; }
char gpl[] SEC("license") = "GPL";
SEC("SECTION") struct tcp_congestion_ops control = {
	.ssthresh = (void *)less, .cong_avoid = (void *)more, .undo_cwnd = (void *)undo, .name = "wh_e2e",
};
`
