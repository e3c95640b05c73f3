package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// objectFile compiles an example with the command, as a user does.
func objectFile(t *testing.T, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".bpf.o")
	command(t, whistlerBin, "compile", "-o", out, example(name))
	return out
}

// lispComment matches a source line between instructions.
var lispComment = regexp.MustCompile(`(?m)^\s*; .*[()]`)

// TestObjects gives every example's object to other programs.
func TestObjects(t *testing.T) {
	need(t, "bpftool", "llvm-objdump-19")
	needTracefs(t)
	needBPFFS(t)
	for _, name := range examples(t) {
		t.Run(name, func(t *testing.T) {
			file := objectFile(t, name)
			obj := compileExample(t, name)
			t.Run("cilium", func(t *testing.T) {
				spec, err := ebpf.LoadCollectionSpec(file)
				if err != nil {
					t.Fatal(err)
				}
				c, err := ebpf.NewCollection(spec)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if len(c.Programs) != len(obj.Programs()) {
					t.Errorf("%d programs, want %d", len(c.Programs), len(obj.Programs()))
				}
			})
			t.Run("bpftool", func(t *testing.T) {
				dir := fmt.Sprintf("/sys/fs/bpf/wh%d-%s", os.Getpid(), name)
				defer os.RemoveAll(dir)
				file := file
				if structOps(obj) && !opsLinks(t) {
					file = filepath.Join(t.TempDir(), "older.o")
					command(t, whistlerBin, "compile", "--target", "6.3", "-o", file, example(name))
				}
				command(t, "bpftool", "prog", "loadall", file, dir)
				for _, p := range obj.Programs() {
					dump := command(t, "bpftool", "prog", "dump", "xlated", "pinned", filepath.Join(dir, p.Name))
					if !lispComment.MatchString(dump) {
						t.Errorf("no source lines in the kernel's dump of %s:\n%s", p.Name, dump)
					}
				}
			})
			t.Run("objdump", func(t *testing.T) {
				dump := command(t, "llvm-objdump-19", "-d", "-S", file)
				for _, p := range obj.Programs() {
					if !strings.Contains(dump, "<"+p.Name+">:") {
						t.Errorf("no %s in\n%s", p.Name, dump)
					}
				}
				if !lispComment.MatchString(dump) {
					t.Errorf("no source lines in\n%s", dump)
				}
			})
			t.Run("disasm", func(t *testing.T) {
				for _, in := range []string{file, example(name)} {
					dump := command(t, whistlerBin, "disasm", in)
					for _, p := range obj.Programs() {
						if head := fmt.Sprintf("%s: section %q, %d slots\n", p.Name, p.Section, p.Slots); !strings.Contains(dump, head) {
							t.Errorf("no %q in\n%s", head, dump)
						}
					}
					if !lispComment.MatchString(dump) {
						t.Errorf("no source lines in\n%s", dump)
					}
				}
			})
			t.Run("check", func(t *testing.T) {
				out := command(t, whistlerBin, "check", example(name), file)
				for _, p := range obj.Programs() {
					if n := strings.Count(out, fmt.Sprintf("  %d slots", p.Slots)); n < 2 {
						t.Errorf("%s: want %d slots twice in\n%s", p.Name, p.Slots, out)
					}
				}
				if n := strings.Count(out, "instructions processed by the verifier"); n != 2*len(obj.Programs()) {
					t.Errorf("processed by the verifier: %d lines in\n%s", n, out)
				}
			})
		})
	}
}

// TestSourceLinesExact wants the very line of the increment beside the
// atomic add, in each disassembly.
func TestSourceLinesExact(t *testing.T) {
	need(t, "bpftool", "llvm-objdump-19")
	needBPFFS(t)
	file := objectFile(t, "count-xdp")
	pin := fmt.Sprintf("/sys/fs/bpf/wh%d-lines", os.Getpid())
	command(t, "bpftool", "prog", "load", file, pin)
	defer os.Remove(pin)
	for what, dump := range map[string]string{
		"bpftool":      command(t, "bpftool", "prog", "dump", "xlated", "pinned", pin),
		"llvm-objdump": command(t, "llvm-objdump-19", "-d", "-S", file),
		"whistler":     command(t, whistlerBin, "disasm", file),
	} {
		before, _, ok := strings.Cut(dump, "lock *(u64 *)")
		if !ok {
			t.Errorf("%s: no atomic add in\n%s", what, dump)
			continue
		}
		last := ""
		for _, l := range strings.Split(before, "\n") {
			if strings.HasPrefix(strings.TrimSpace(l), ";") {
				last = l
			}
		}
		if !strings.Contains(last, "(incf (getmap pkt-count 0))") {
			t.Errorf("%s: the line above the atomic add is %q", what, last)
		}
	}
}

// TestMapDump prints a map of structs by field name.
func TestMapDump(t *testing.T) {
	need(t, "bpftool")
	needBPFFS(t)
	c := open(t, compileExample(t, "flow-stats"))
	verdict(t, c.Program("flow_stats"), packet{proto: 6, sport: 1234, dport: 80, payload: 46}.frame(), 7)
	pin := fmt.Sprintf("/sys/fs/bpf/wh%d-flows", os.Getpid())
	if err := c.Map("flows").Pin(pin); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(pin)
	dump := command(t, "bpftool", "map", "dump", "pinned", pin)
	for _, want := range []string{`"sport": 1234`, `"dport": 80`, `"proto": 6`, `"packets": 7`, `"bytes": 700`} {
		if !strings.Contains(dump, want) {
			t.Errorf("no %s in\n%s", want, dump)
		}
	}
}

// TestCodeSize compares the size of programs with what clang makes of the
// same programs in C.
func TestCodeSize(t *testing.T) {
	need(t, "clang-19")
	files, err := filepath.Glob("../../testdata/clang/*.c")
	if err != nil || len(files) == 0 {
		t.Fatal("no C programs", err)
	}
	headers, _ := filepath.Glob("/usr/include/*/asm/types.h")
	if _, err := os.Stat("/usr/include/bpf/bpf_helpers.h"); err != nil || len(headers) == 0 {
		lack(t, "the headers of libbpf and of the kernel")
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".c")
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "c.o")
			command(t, "clang-19", "-O2", "-g", "-mcpu=v3", "-target", "bpf", "-I"+filepath.Dir(filepath.Dir(headers[0])), "-c", file, "-o", out)
			spec, err := ebpf.LoadCollectionSpec(out)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range compileExample(t, name).Programs() {
				s := spec.Programs[p.Name]
				if s == nil {
					t.Fatalf("%s has no program %s", file, p.Name)
				}
				theirs := 0
				for _, ins := range s.Instructions {
					theirs += int(ins.Size()) / 8
				}
				t.Logf("%s: %d slots, clang: %d", p.Name, p.Slots, theirs)
				if p.Slots > theirs {
					t.Errorf("%s: %d slots, clang needs %d", p.Name, p.Slots, theirs)
				}
				if name == "count-xdp" && p.Slots > 12 {
					t.Errorf("%s: %d slots, want at most 12", p.Name, p.Slots)
				}
			}
		})
	}
}

// TestSameBytes compiles examples twice: with the command from two
// directories and as a library.
func TestSameBytes(t *testing.T) {
	for _, name := range []string{"count-xdp", "flow-stats", "dispatch", "connections"} {
		want := compileExample(t, name).Bytes()
		dir := t.TempDir()
		command(t, "cp", example(name), dir)
		c := exec.Command(whistlerBin, "compile", "-o", "-", name+".lisp")
		c.Dir = dir
		elsewhere, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		here := []byte(command(t, whistlerBin, "compile", "-o", "-", example(name)))
		if !bytes.Equal(here, want) || !bytes.Equal(elsewhere, want) {
			t.Errorf("%s: %d, %d and %d bytes that differ", name, len(want), len(here), len(elsewhere))
		}
	}
}
