//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write slots.txt")

func TestMain(m *testing.M) {
	if os.Getenv(connectEnv) != "" {
		connectAll()
		return
	}
	os.Exit(m.Run())
}

// lack skips the test if something is missing; under CI as root it fails it.
func lack(t *testing.T, missing string) {
	t.Helper()
	if os.Getenv("CI") == "true" && os.Getuid() == 0 {
		t.Fatalf("this test needs %s", missing)
	}
	t.Skipf("this test needs %s", missing)
}

func need(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		lack(t, "root")
	}
	if !have("clang-19") {
		lack(t, "the program clang-19")
	}
	for _, header := range []string{"/usr/include/bpf/bpf_helpers.h", filepath.Join(kernelHeaders(), "asm/types.h")} {
		if _, err := os.Stat(header); err != nil {
			lack(t, "the header "+header)
		}
	}
}

// TestPairs compares the behaviour of each pair, and the slots of the Lisp
// side with those of slots.txt: more is an error, fewer should be recorded
// with -update.
func TestPairs(t *testing.T) {
	need(t)
	tmp := t.TempDir()
	bin, err := buildWhistler(tmp)
	if err != nil {
		t.Fatal(err)
	}
	clangs, whistlers := compileAll(clang("clang-19"), tmp), compileAll(whistler(bin), tmp)
	if err := pin(lastCPU()); err != nil {
		t.Fatal(err)
	}
	recorded := readSlots(t)
	var lines strings.Builder
	for i, p := range pairs() {
		theirs, b := clangs[i], whistlers[i]
		if err := errors.Join(theirs.err, b.err); err != nil {
			t.Error(err)
			continue
		}
		if err := p.compare(theirs.file, b.file); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		if n, ok := recorded[p.name]; !*update && (!ok || b.slots > n) {
			t.Errorf("%s: %d slots, %d are recorded", p.name, b.slots, n)
		}
		fmt.Fprintf(&lines, "%s %d\n", p.name, b.slots)
	}
	if *update {
		if err := os.WriteFile("slots.txt", []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

type outcome struct {
	build
	err error
}

// compileAll compiles all pairs, as many at once as there are CPUs.
func compileAll(c compiler, tmp string) []outcome {
	all := pairs()
	out := make([]outcome, len(all))
	var wait sync.WaitGroup
	free := make(chan bool, runtime.NumCPU())
	for i, p := range all {
		wait.Go(func() {
			free <- true
			defer func() { <-free }()
			out[i].build, out[i].err = c.compile(".", p.name, tmp)
		})
	}
	wait.Wait()
	return out
}

// readSlots reads slots.txt: the slots of each Lisp side.
func readSlots(t *testing.T) map[string]int {
	b, err := os.ReadFile("slots.txt")
	if err != nil && !*update {
		t.Fatal(err)
	}
	recorded := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var name string
		var n int
		if _, err := fmt.Sscan(line, &name, &n); err == nil {
			recorded[name] = n
		}
	}
	return recorded
}

// TestComplete finds programs that are in no pair.
func TestComplete(t *testing.T) {
	known := map[string]bool{}
	for _, p := range pairs() {
		known[p.name] = true
	}
	for _, glob := range []string{"c/*.c", "lisp/*.lisp"} {
		files, _ := filepath.Glob(glob)
		if len(files) != len(known) {
			t.Errorf("%d files %s, %d pairs", len(files), glob, len(known))
		}
		for _, f := range files {
			if name := strings.TrimSuffix(filepath.Base(f), filepath.Ext(f)); !known[name] {
				t.Errorf("%s is in no pair", f)
			}
		}
	}
}

// TestDifference wants compare to notice that two programs differ: in a
// map, in a ring's record, in a result, in a packet.
func TestDifference(t *testing.T) {
	need(t)
	tmp := t.TempDir()
	if err := os.Mkdir(filepath.Join(tmp, "c"), 0o755); err != nil {
		t.Fatal(err)
	}
	changes := map[string][2]string{
		"rate-limit":  {"w->dropped++", "w->dropped += 2"},
		"conn-events": {"e->ttl = ip->ttl", "e->ttl = ip->tos"},
		"sock-filter": {"SNAP 256", "SNAP 257"},
		"mss-clamp":   {"max_mss = 1360", "max_mss = 1361"},
	}
	var wait sync.WaitGroup
	for _, p := range pairs() {
		change, ok := changes[p.name]
		if !ok {
			continue
		}
		src, err := os.ReadFile("c/" + p.name + ".c")
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(src), change[0], change[1], 1)
		if changed == string(src) {
			t.Fatalf("%s has no %q", p.name, change[0])
		}
		if err := os.WriteFile(filepath.Join(tmp, "c", p.name+".c"), []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			a, err := clang("clang-19").compile(".", p.name, t.TempDir())
			if err != nil {
				t.Error(err)
				return
			}
			b, err := clang("clang-19").compile(tmp, p.name, tmp)
			if err != nil {
				t.Error(err)
				return
			}
			if p.compare(a.file, b.file) == nil {
				t.Errorf("%s: no difference is seen", p.name)
			}
		})
	}
	wait.Wait()
}
