package load_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/whistler-lang/whistler/load"
)

// pinDir is a directory in the BPF file system.
func pinDir(t *testing.T) string {
	t.Helper()
	root(t)
	var st unix.Statfs_t
	if err := unix.Statfs(load.DefaultPinDir, &st); err != nil || st.Type != unix.BPF_FS_MAGIC {
		t.Skipf("this test needs a BPF file system at %s", load.DefaultPinDir)
	}
	dir := filepath.Join(load.DefaultPinDir, fmt.Sprintf("whistler-%d-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "-")))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

const pinned = `
(defstruct inner (low (bits u32 3)) (rest (bits u32 29)))
(defstruct flow (src u32) (dport u16) (in inner) (name (array u8 4)))
(defmap flows :type :hash :key flow :value u64 :max-entries 16 :pinning :by-name)
(defmap loose :type :array :key u32 :value u64 :max-entries 1)
(defprog count (:type :xdp)
  (let ((k (make-flow)))
    (setf (flow-src k) 7)
    (incf (getmap flows k)))
  (incf (getmap loose 0))
  XDP_PASS)`

// TestPinDir loads an object twice: the pinned map goes on, the other begins
// anew.
func TestPinDir(t *testing.T) {
	dir := pinDir(t)
	for turn := uint64(1); turn <= 2; turn++ {
		c, err := load.OpenWith(compiled(t, pinned), load.Options{PinDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		runs(t, c, "count")
		m, err := load.MapOf[[16]byte, uint64](c, "flows")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := m.Get([16]byte{7}); err != nil || n != turn {
			t.Errorf("turn %d: the pinned map has %d, %v", turn, n, err)
		}
		loose, err := load.MapOf[uint32, uint64](c, "loose")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := loose.Get(0); err != nil || n != 1 {
			t.Errorf("turn %d: the other map has %d, %v", turn, n, err)
		}
		c.Close()
	}
	files, err := filepath.Glob(dir + "/*")
	if err != nil || len(files) != 1 || files[0] != dir+"/flows" {
		t.Errorf("%v %v", files, err)
	}
	if err := os.Remove(dir + "/flows"); err != nil { // the way out that errors name
		t.Error(err)
	}
}

// TestSchema changes the source after its map was pinned.
func TestSchema(t *testing.T) {
	dir := pinDir(t)
	c, err := load.OpenWith(compiled(t, pinned), load.Options{PinDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	for _, x := range []struct{ old, new, want string }{
		{"(dport u16)", "(pad u16) (dport u16)", "field pad of the key: the object has it, the map does not"},
		{"(dport u16)", "(dport u8)", "field dport of the key: the map has u16, the object u8"},
		{"(src u32) (dport u16)", "(dport u16) (src u32)", "field src of the key: the map has offset 0, the object 4"},
		{"(dport u16)", "(sport u16)", "field sport of the key: the object has it, the map does not"},
		{"(src u32)", "(src i32)", "field src of the key: the map has u32, the object i32"},
		{"(low (bits u32 3)) (rest (bits u32 29))", "(low (bits u32 4)) (rest (bits u32 28))", "field in.low of the key: the map has 3 bits, the object 4"},
		{"(low (bits u32 3)) (rest (bits u32 29))", "(low (bits u32 3))", "field in.rest of the key: the map has it, the object does not"},
		{"(name (array u8 4))", "(name (array u8 5))", "field name of the key: the map has an array of 4, the object an array of 5"},
		{"(name (array u8 4))", "(name u32)", "field name of the key: the map has an array of 4, the object u32"},
		{"(name (array u8 4))", "", "field name of the key: the map has it, the object does not"},
		{":key flow :value u64", ":key flow :value i64", "the value: the map has u64, the object i64"},
		{":key flow :value u64", ":key u32 :value u64", "the key: the map has a struct, the object u32"},
		{":max-entries 16", ":max-entries 32", "the map has 16 entries, the object 32"},
		{":type :hash :key flow", ":type :lru-hash :key flow", "the map has type Hash, the object LRUHash"},
		{":max-entries 16", ":max-entries 16 :map-flags 1", "the map has the flags 0x0, the object 0x1"},
	} {
		text := strings.Replace(pinned, x.old, x.new, 1)
		text = strings.Replace(text, "  (let ((k (make-flow)))\n    (setf (flow-src k) 7)\n    (incf (getmap flows k)))\n", "", 1)
		_, err := load.OpenWith(compiled(t, text), load.Options{PinDir: dir})
		var se *load.SchemaError
		if !errors.As(err, &se) || se.What != x.want || se.Map != "flows" || se.Path != dir+"/flows" {
			t.Errorf("%s: %v\nwant %s", x.new, err, x.want)
			continue
		}
		for _, way := range []string{"rm " + dir + "/flows", "--pin DIR"} {
			if !strings.Contains(err.Error(), way) {
				t.Errorf("no word of %q in %v", way, err)
			}
		}
	}
	// Names of types, docstrings and what is not pinned may change.
	text := strings.NewReplacer("(defstruct flow ", "(defstruct stream \"A flow.\" ", ":key flow", ":key stream", "make-flow", "make-stream", "flow-src", "stream-src", "loose", "slack").Replace(pinned)
	c, err = load.OpenWith(compiled(t, text), load.Options{PinDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// TestShared takes over the maps of an object that is loaded.
func TestShared(t *testing.T) {
	root(t)
	const old = `(defglobal n u64 1)
(defmap same :type :array :key u32 :value u64 :max-entries 1)
(defmap other :type :array :key u32 :value u64 :max-entries 1)
(defprog count (:type :xdp) (setf n (+ n 1)) (incf (getmap same 0)) (incf (getmap other 0)) XDP_PASS)`
	a := opened(t, old)
	runs(t, a, "count")
	object := compiled(t, strings.Replace(old, "other :type :array :key u32 :value u64", "other :type :array :key u32 :value i64", 1))
	spec, err := load.Read(object)
	if err != nil {
		t.Fatal(err)
	}
	shared := a.Shared(spec)
	if len(shared) != 1 || shared["same"] == nil {
		t.Fatalf("%v", shared)
	}
	b, err := load.OpenWith(object, load.Options{Maps: shared})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	a.Close() // b has what it took
	runs(t, b, "count")
	for name, want := range map[string]uint64{"same": 2, "other": 1} {
		var n uint64
		if err := b.Map(name).Lookup(uint32(0), &n); err != nil || n != want {
			t.Errorf("%s has %d, %v", name, n, err)
		}
	}
	_, err = load.OpenWith(object, load.Options{Maps: map[string]*ebpf.Map{"other": b.Map("same")}})
	var se *load.SchemaError
	if !errors.As(err, &se) || err.Error() != "the map given for `other` is not like the object's: the value: the map has u64, the object i64" {
		t.Error(err)
	}
	_, err = load.OpenWith(object, load.Options{Maps: map[string]*ebpf.Map{"nobody": b.Map("same")}})
	if err == nil || !strings.Contains(err.Error(), "`nobody`") {
		t.Error(err)
	}
}

// TestPinNowhere says how to get a BPF file system.
func TestPinNowhere(t *testing.T) {
	root(t)
	dir := t.TempDir()
	_, err := load.OpenWith(compiled(t, pinned), load.Options{PinDir: dir})
	if err == nil || !strings.Contains(err.Error(), "mount -t bpf") {
		t.Error(err)
	}
	if files, _ := filepath.Glob(dir + "/*"); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}
