package btf

import (
	"os"
	"slices"
	"testing"
)

func small(t testing.TB) []byte {
	blob, err := os.ReadFile("../../testdata/kernel/kernel.btf")
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func TestRead(t *testing.T) {
	types, err := Read(small(t))
	if err != nil {
		t.Fatal(err)
	}
	id, ok := types.FindOne("task_struct", Struct)
	if !ok || types.Size(id) == 0 {
		t.Fatal("no task_struct", id)
	}
	if other, ok := types.FindOne("TASK-struct", Struct); !ok || other != id {
		t.Error("a name is not found in another spelling")
	}
	for i, f := range types.Fields(id) {
		if f.Name == "nice" {
			c := &Core{Kind: FieldRShift, Root: id, Path: []int{i}}
			if f.Bits != 5 || types.Value(c) != 59 || !types.Signed(types.Strip(f.Type)) {
				t.Errorf("nice: %+v, shift %d", f, types.Value(c))
			}
		}
	}
	if _, ok := types.FindOne("no_such", Struct); ok {
		t.Error("a struct that is not there is found")
	}
}

// TestPrefixed wants what Find finds for each name.
func TestPrefixed(t *testing.T) {
	types, err := Read(small(t))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range types.Names(Struct) {
		if name[0] != 't' {
			continue
		}
		n++
		if ids := types.Prefixed("t", name[1:], Struct); !slices.Equal(types.Find(name, Struct), ids) {
			t.Errorf("%s: %v, and Find gives %v", name, ids, types.Find(name, Struct))
		}
		for _, other := range []string{name[1:] + "x", name[1 : len(name)-1]} {
			if ids := types.Prefixed("t", other, Struct); types.Find("t"+other, Struct) == nil && ids != nil {
				t.Errorf("t%s: %v, and Find gives nothing", other, ids)
			}
		}
	}
	if n == 0 {
		t.Error("nothing begins with t")
	}
}

// use asks everything of all types.
func use(blob []byte) {
	types, err := Read(blob)
	if err != nil {
		return
	}
	b := NewBuilder()
	var cores []*Core
	for i := 1; i < types.Len() && i < 2000; i++ {
		id := ID(i)
		types.C(id)
		types.Size(id)
		types.Params(types.Ref(id))
		types.Enumerators(id)
		types.Tagged(id, "x")
		for n := range types.Fields(id) {
			if n < 20 {
				cores = append(cores, &Core{Kind: FieldByteOffset, Root: id, Path: []int{n}})
			}
		}
	}
	types.Find("task_struct", Struct, Union)
	types.Prefixed("task_", "struct", Struct)
	l := b.NewLocal(types, cores, nil, nil)
	for _, c := range cores {
		types.Value(c)
		l.Resolve(c)
	}
	b.Marshal()
}

// Hostile types are answered for like any others: no crash, no endless loop.
func FuzzRead(f *testing.F) {
	f.Add(small(f))
	f.Fuzz(func(t *testing.T, blob []byte) { use(blob) })
}

func TestDamaged(t *testing.T) {
	blob := small(t)
	for i := 0; i < len(blob); i += 2 {
		for _, x := range []byte{0, 0xff, blob[i] + 1} {
			old := blob[i]
			blob[i] = x
			use(blob)
			blob[i] = old
		}
	}
	for n := range blob {
		use(blob[:n])
	}
}
