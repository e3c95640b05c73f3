package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler"
)

// TestPinning loads an object with a map pinned by name twice: the second
// load finds the first one's map and its contents.
func TestPinning(t *testing.T) {
	need(t, "bpftool")
	needBPFFS(t)
	name := fmt.Sprintf("pinned_%d", os.Getpid())
	src := `(defmap ` + name + ` :type :hash :key u32 :value u64 :max-entries 4 :pinning :by-name)
(defmap loose :type :array :value u64 :max-entries 1)
(defprog count () (incf (getmap ` + name + ` 1)) (incf (getmap loose 0)) (getmap ` + name + ` 1))`
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "pin.lisp", Text: src}}, whistler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := fmt.Sprintf("/sys/fs/bpf/wh%d-pin", os.Getpid())
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for turn := uint32(1); turn <= 2; turn++ {
		spec, err := ebpf.LoadCollectionSpecFromReader(strings.NewReader(string(obj.Bytes())))
		if err != nil {
			t.Fatal(err)
		}
		if spec.Maps[name].Pinning != ebpf.PinByName || spec.Maps["loose"].Pinning != ebpf.PinNone {
			t.Fatal("the object does not say which map is pinned")
		}
		coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: dir}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := coll.Programs["count"].Run(&ebpf.RunOptions{Data: make([]byte, 64)})
		coll.Close()
		if err != nil || r != turn {
			t.Errorf("load %d: result %d, %v", turn, r, err)
		}
	}

	// libbpf pins below the root of the file system, unless told otherwise.
	file := filepath.Join(t.TempDir(), "pin.o")
	if err := os.WriteFile(file, obj.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	pin := "/sys/fs/bpf/" + name
	defer os.Remove(pin)
	for turn := range 2 {
		command(t, "bpftool", "prog", "loadall", file, fmt.Sprintf("%s/progs%d", dir, turn))
		if turn == 0 {
			command(t, "bpftool", "map", "update", "pinned", pin, "key", "9", "0", "0", "0", "value", "5", "0", "0", "0", "0", "0", "0", "0")
		}
		if dump := command(t, "bpftool", "map", "dump", "pinned", pin); !strings.Contains(dump, `"key": 9`) {
			t.Errorf("load %d does not have the pinned map:\n%s", turn, dump)
		}
	}
}
