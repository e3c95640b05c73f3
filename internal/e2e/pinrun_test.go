package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRunPin runs a source with a pinned map, again, and again with another
// schema.
func TestRunPin(t *testing.T) {
	need(t)
	needBPFFS(t)
	dir := fmt.Sprintf("/sys/fs/bpf/wh%d-run", os.Getpid())
	defer os.RemoveAll(dir)
	name := fmt.Sprintf("kept_%d", os.Getpid())
	file := filepath.Join(t.TempDir(), "kept.lisp")
	source := `(defmap ` + name + ` :type :hash :key u32 :value u64 :max-entries 4 :pinning :by-name)
(defprog count (:type :syscall) (incf (getmap ` + name + ` 1)) 0)`
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(source)
	for turn := 1; turn <= 2; turn++ {
		out := command(t, whistlerBin, "run", file, "--pin", dir)
		if rows := table(out, name); len(rows) != 2 || rows[1][1] != fmt.Sprint(turn) {
			t.Errorf("run %d shows\n%s", turn, out)
		}
	}
	// Without --pin it is the place of libbpf.
	defer os.Remove("/sys/fs/bpf/" + name)
	command(t, whistlerBin, "run", file)
	if _, err := os.Stat("/sys/fs/bpf/" + name); err != nil {
		t.Error(err)
	}
	// Checking pins nothing.
	command(t, "rm", "/sys/fs/bpf/"+name)
	command(t, whistlerBin, "check", file)
	if _, err := os.Stat("/sys/fs/bpf/" + name); err == nil {
		t.Error("check has pinned the map")
	}
	write(strings.Replace(source, "u64", "i64", 1))
	out, err := exec.Command(whistlerBin, "run", file, "--pin", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the value: the map has u64, the object i64") || !strings.Contains(string(out), "rm "+dir+"/"+name) {
		t.Errorf("another schema: %v\n%s", err, out)
	}
	write("(defprog p (:type :syscall) 0)")
	out, err = exec.Command(whistlerBin, "run", file, "--pin", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--pin says nothing about") {
		t.Errorf("nothing to pin: %v\n%s", err, out)
	}
}
