package e2e

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

const ksymLisp = `
(import-kernel-struct rq cpu)
(defksym runqueues)
(defksym bpf-prog-active)
(defksym no-such void :weak t)
(defprog p (:type :raw-tracepoint :section "raw_tp/sys_enter")
  (+ (rq-cpu (this-cpu-ptr runqueues)) (load u32 (this-cpu-ptr bpf-prog-active) 0) (ksym-exists no-such)))`

const ksymC = `
#define __ksym __attribute__((section(".ksyms")))
struct rq { int cpu; };
extern const struct rq runqueues __ksym;
extern const int bpf_prog_active __ksym;
extern const void no_such __ksym __attribute__((weak));
static void *(*bpf_this_cpu_ptr)(const void *) = (void *)154;
__attribute__((section("raw_tp/sys_enter"), used)) int p(void *ctx)
{
	struct rq *r = bpf_this_cpu_ptr(&runqueues);
	int *n = bpf_this_cpu_ptr(&bpf_prog_active);
	return r->cpu + *n + (&no_such != 0);
}
char _license[] __attribute__((section("license"))) = "GPL";`

// TestKsymsAsClang compares the undefined symbols for variables of the kernel,
// and what refers to them, with those in clang's object for the same program.
func TestKsymsAsClang(t *testing.T) {
	need(t, "clang-19")
	file := filepath.Join(t.TempDir(), "k.c")
	if err := os.WriteFile(file, []byte(ksymC), 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, "clang-19", "-target", "bpf", "-g", "-O2", "-c", file, "-o", file+".o")
	theirs, err := os.ReadFile(file + ".o")
	if err != nil {
		t.Fatal(err)
	}
	want := externSymbols(t, bytes.NewReader(theirs))
	got := externSymbols(t, bytes.NewReader(compileText(t, "k.lisp", ksymLisp).Bytes()))
	if got != want || !strings.Contains(got, "runqueues") {
		t.Errorf("the object has\n%s\nclang's has\n%s", got, want)
	}
}

// externSymbols lists the undefined symbols of an object with the types of
// the relocations of code that name them.
func externSymbols(t *testing.T, r io.ReaderAt) string {
	t.Helper()
	f, err := elf.NewFile(r)
	if err != nil {
		t.Fatal(err)
	}
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	refs := map[string]string{}
	rel, err := f.Section(".relraw_tp/sys_enter").Data()
	if err != nil {
		t.Fatal(err)
	}
	for ; len(rel) >= 16; rel = rel[16:] {
		info := f.ByteOrder.Uint64(rel[8:])
		refs[syms[info>>32-1].Name] += fmt.Sprintf(" reloc %d", uint32(info))
	}
	var out []string
	for _, s := range syms {
		if s.Section == elf.SHN_UNDEF {
			out = append(out, fmt.Sprintf("%s %v %v%s", s.Name, elf.ST_BIND(s.Info), elf.ST_TYPE(s.Info), refs[s.Name]))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// TestKsymsInLibbpf loads a program that reads variables of the kernel with
// bpftool, whose libbpf resolves them in its own way.
func TestKsymsInLibbpf(t *testing.T) {
	need(t, "bpftool")
	file := filepath.Join(t.TempDir(), "k.o")
	obj := compileText(t, "k.lisp", `
(defksym |__start_BTF| u32)
(defksym |__stop_BTF|)
(defksym no-such void :weak t)
(defprog p (:type :raw-tracepoint :section "raw_tp/sys_enter")
  (+ |__start_BTF| (logand |__stop_BTF| 1) (ksym-exists no-such)))`)
	if err := os.WriteFile(file, obj.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	pin := fmt.Sprintf("/sys/fs/bpf/whistler-ksym-%d", os.Getpid())
	t.Cleanup(func() { os.Remove(pin) })
	command(t, "bpftool", "prog", "load", file, pin)
	start, code, _ := strings.Cut(command(t, "bpftool", "prog", "dump", "xlated", "pinned", pin), "= 0xffff")
	if code == "" {
		t.Errorf("no address of the kernel in the program:\n%s", start)
	}
}
