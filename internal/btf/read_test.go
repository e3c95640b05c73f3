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

// TestOpen wants the same of types that are walked as far as they are asked for,
// and of those only to be told of what is wrong there.
func TestOpen(t *testing.T) {
	all, err := Read(small(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(all.Names(Struct, Union, Enum, Typedef, Func), "no_such", "TASK_STRUCT", "") {
		types, err := Open(small(t))
		if err != nil {
			t.Fatal(err)
		}
		id, ok := types.FindOne(name, Struct, Union, Enum, Func)
		if want, there := all.FindOne(name, Struct, Union, Enum, Func); id != want || ok != there || types.Kind(id) != all.Kind(want) || types.Size(id) != all.Size(want) {
			t.Errorf("%s: %d %v, want %d %v", name, id, ok, want, there)
		}
		if named := slices.Collect(types.Named(name, Typedef)); name != "TASK_STRUCT" && !slices.Equal(named, all.Find(name, Typedef)) {
			t.Errorf("%s: %v, and Find gives %v", name, named, all.Find(name, Typedef))
		}
		if types.Len() != all.Len() || types.Err() != nil {
			t.Errorf("%s: %d types, want %d (%v)", name, types.Len(), all.Len(), types.Err())
		}
	}

	// A type of which nobody knows the size, behind many others.
	blob := slices.Clone(small(t))
	hdr, n := le.Uint32(blob[4:]), le.Uint32(blob[12:])
	recs := blob[hdr:][:n]
	var long []byte
	for len(long) < 3*atOnce*12 {
		long = append(long, recs...)
	}
	bad := len(long)
	long = append(long, recs...)
	long[bad+7] = 31
	head := slices.Clone(blob[:hdr])
	le.PutUint32(head[12:], uint32(len(long)))
	le.PutUint32(head[16:], uint32(len(long)))
	strs := blob[hdr+le.Uint32(blob[16:]):]
	blob = slices.Concat(head, long, strs)
	if _, err := Read(blob); err == nil {
		t.Error("Read takes an unknown kind")
	}
	types, err := Open(blob)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := types.FindOne("task_struct", Struct); !ok || types.Err() != nil {
		t.Error("task_struct is not found before what is malformed: ", types.Err())
	}
	if _, ok := types.FindOne("no_such", Struct); ok || types.Err() == nil {
		t.Error("nothing is wrong with an unknown kind")
	}
	if last := ID(types.Len() - 1); types.Kind(last) == Void || types.Kind(last+1) != Void || types.Name(last+1) != "" {
		t.Error("the types do not end where they are malformed")
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
		if ids := slices.Collect(types.Prefixed("t", name[1:], Struct)); !slices.Equal(types.Find(name, Struct), ids) {
			t.Errorf("%s: %v, and Find gives %v", name, ids, types.Find(name, Struct))
		}
		for _, other := range []string{name[1:] + "x", name[1 : len(name)-1]} {
			if ids := slices.Collect(types.Prefixed("t", other, Struct)); types.Find("t"+other, Struct) == nil && ids != nil {
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
	for _, read := range []func([]byte) (*Types, error){Open, Read} {
		if types, err := read(blob); err == nil {
			ask(types)
		}
	}
}

func ask(types *Types) {
	types.FindOne("task_struct", Struct, Union)
	for range types.Prefixed("task_", "struct", Struct) {
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
