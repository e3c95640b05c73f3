package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/kernel"
)

// coreSource has a relocation of every kind.
const coreSource = `
(import-kernel-struct task-struct pid comm real-parent->tgid sched-reset-on-fork mm->total-vm thread.sp (gone u32))
(defprog all (:type :raw-tracepoint :section "raw_tp/sys_enter")
  (let ((task (get-current-task)))
    (printk "%d %d" (task-struct-pid task) (task-struct-real-parent-tgid task))
    (printk "%d %d" (task-struct-sched-reset-on-fork task) (task-struct-mm-total-vm task))
    (printk "%s %d" (task-struct-comm task) (task-struct-comm task 3))
    (printk "%d" (field-exists task-struct gone))
    (printk "%d" (field-exists task-struct pid))
    (when (field-exists task-struct gone) (printk "%d" (task-struct-gone task)))
    (printk "%d %d %d" (field-size task-struct comm) (field-signed task-struct pid) (field-offset task-struct pid))
    (printk "%d %d" (field-lshift task-struct sched-reset-on-fork) (field-rshift task-struct sched-reset-on-fork))
    (printk "%d %d %d" (type-exists task-struct) (type-exists no-such-struct) (type-size task-struct))
    (printk "%d %d %d" (type-matches list-head) (type-id-local task-struct) (type-id-kernel task-struct))
    (printk "%d %d %d" (enum-value pid-type PIDTYPE_PGID) (enum-value-exists pid-type PIDTYPE_PGID) (enum-value-exists pid-type PIDTYPE_NONE)))
  0)
(defprog direct (:type :tp-btf :section "tp_btf/sched_switch" :args (prev))
  (printk "%d %d" (task-struct-pid prev) (task-struct-sched-reset-on-fork prev))
  (printk "%d" (task-struct-mm-total-vm prev))
  0)`

// TestRelocations compares what libbpf and cilium/ebpf make of our
// relocations in the running kernel.
func TestRelocations(t *testing.T) {
	need(t, "bpftool")
	needBPFFS(t)
	if _, err := os.Stat(kernel.VmlinuxBTF); err != nil {
		lack(t, "the kernel's BTF")
	}
	obj := compileText(t, "core.lisp", coreSource)
	theirs := libbpfRelocations(t, obj)
	ours := ciliumRelocations(t, obj)
	if len(ours) < 30 {
		t.Errorf("only %d relocations", len(ours))
	}
	kinds := map[string]bool{}
	for _, at := range sortedNames(ours) {
		// A local ID is that of the BTF that each loader makes for itself.
		if ours[at] != theirs[at] && !strings.HasSuffix(at, " local_type_id") {
			t.Errorf("%s: cilium/ebpf %q, libbpf %q", at, ours[at], theirs[at])
		}
		kinds[strings.Fields(at)[2]] = true
	}
	if len(theirs) != len(ours) {
		t.Errorf("libbpf relocates %d instructions, cilium/ebpf %d", len(theirs), len(ours))
	}
	if len(kinds) != 13 {
		t.Errorf("kinds of relocations: %v", kinds)
	}
	open(t, obj) // the verifier likes the result
}

func sortedNames(m map[string]string) (names []string) {
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

var (
	reloKind = regexp.MustCompile(`prog '(\w+)': relo #(\d+): <(\w+)> `)
	reloDone = regexp.MustCompile(`prog '(\w+)': relo #(\d+): (?:patched|substituting|subst\w*)? ?insn #(\d+) (.*)`)
)

// libbpfRelocations loads with bpftool and reads libbpf's log: by program,
// instruction and kind, the value; "poison" where there is none.
func libbpfRelocations(t *testing.T, obj *whistler.Object) map[string]string {
	dir := t.TempDir()
	file := filepath.Join(dir, "core.o")
	if err := os.WriteFile(file, obj.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	pin := fmt.Sprintf("/sys/fs/bpf/whistler-core-%d", os.Getpid())
	t.Cleanup(func() { os.RemoveAll(pin) })
	out, err := exec.Command("bpftool", "-d", "prog", "loadall", file, pin).CombinedOutput()
	if err != nil {
		t.Fatalf("bpftool: %v\n%s", err, out)
	}
	kinds, found := map[string]string{}, map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		if m := reloKind.FindStringSubmatch(line); m != nil {
			kinds[m[1]+m[2]] = m[3]
		} else if m := reloDone.FindStringSubmatch(line); m != nil {
			value := "poison"
			if _, v, ok := strings.Cut(m[4], " -> "); ok {
				value = v
			}
			found[fmt.Sprintf("%s %s %s", m[1], m[3], kinds[m[1]+m[2]])] = value
		}
	}
	return found
}

func ciliumRelocations(t *testing.T, obj *whistler.Object) map[string]string {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(obj.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	target, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for name, p := range spec.Programs {
		b, err := btf.NewBuilder(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		slot := 0
		for i := range p.Instructions {
			in := p.Instructions[i]
			if r := btf.CORERelocationMetadata(&in); r != nil {
				fixups, err := btf.CORERelocate([]*btf.CORERelocation{r}, []*btf.Spec{target}, binary.LittleEndian, b.Add)
				if err != nil {
					t.Fatalf("%s: instruction %d: %v: %v", name, slot, r, err)
				}
				kind, _, _ := strings.Cut(strings.TrimPrefix(r.String(), "CORERelocation("), ",")
				value := "poison"
				if err := fixups[0].Apply(&in); err == nil && !strings.Contains(fixups[0].String(), "poison") {
					value = fmt.Sprint(in.Constant)
					if c := in.OpCode.Class(); c == asm.LdXClass || c == asm.StXClass || c == asm.StClass {
						value = fmt.Sprint(in.Offset)
					}
				}
				found[fmt.Sprintf("%s %d %s", name, slot, kind)] = value
			}
			slot += int(in.Size() / asm.InstructionSize)
		}
	}
	return found
}

// TestTypesInC compiles what bpftool prints of an object's types, and its
// skeleton.
func TestTypesInC(t *testing.T) {
	need(t, "bpftool", "gcc")
	dir := t.TempDir()
	file := filepath.Join(dir, "core.o")
	if err := os.WriteFile(file, compileText(t, "core.lisp", coreSource).Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	types := command(t, "bpftool", "btf", "dump", "file", file, "format", "c")
	skeleton := command(t, "bpftool", "gen", "skeleton", file, "name", "core")
	for name, text := range map[string]string{"types.c": types, "skeleton.c": skeleton} {
		c := filepath.Join(dir, name)
		if err := os.WriteFile(c, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("gcc", "-fsyntax-only", c).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
