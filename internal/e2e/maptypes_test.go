package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler"
)

// mapTypeCases are declarations of each type, by keyword, with the options
// that people give: scalars, structs, arrays, sizes alone, flags.
var mapTypeCases = map[string][]string{
	"hash": {":key u32 :value u64 :max-entries 8", ":key pair :value stats :max-entries 8 :map-flags BPF_F_NO_PREALLOC",
		":key (array u8 6) :value (array u16 3) :max-entries 8", ":key-size 40 :value-size 3 :max-entries 8", ":key i16 :value i8 :max-entries 1 :map-flags (BPF_F_NO_PREALLOC BPF_F_RDONLY)"},
	"array":               {":key u32 :value u64 :max-entries 8", ":value stats :max-entries 2 :map-flags BPF_F_MMAPABLE", ":key-size 4 :value-size 5 :max-entries 2", ":key u32 :value (array pair 4) :max-entries 1 :map-flags BPF_F_INNER_MAP"},
	"percpu-hash":         {":key u16 :value u64 :max-entries 8", ":key pair :value stats :max-entries 8"},
	"percpu-array":        {":value u64 :max-entries 8", ":value (array u8 32768) :max-entries 1"},
	"lru-hash":            {":key u64 :value stats :max-entries 8", ":key pair :value u8 :max-entries 64 :map-flags BPF_F_NO_COMMON_LRU"},
	"lru-percpu-hash":     {":key (array u8 16) :value u32 :max-entries 64"},
	"lpm-trie":            {":key prefix :value u32 :max-entries 8", ":key-size 8 :value stats :max-entries 8", ":key (array u8 20) :value u32 :max-entries 8 :map-flags BPF_F_NO_PREALLOC"},
	"ringbuf":             {":max-entries 4096", ":max-entries 65536 :event stats"},
	"user-ringbuf":        {":max-entries 4096"},
	"prog-array":          {":max-entries 4", ":key u32 :value u32 :values (nil p)", ":key-size 4 :value-size 4 :max-entries 8"},
	"perf-event-array":    {"", ":key-size 4 :value-size 4 :max-entries 2 :event pair"},
	"stack-trace":         {":value-size 1016 :max-entries 16", ":key u32 :value (array u64 20) :max-entries 16", ":value-size 320 :max-entries 16 :map-flags BPF_F_STACK_BUILD_ID"},
	"array-of-maps":       {":max-entries 4 :inner-map hash-0", ":values (array-0 nil array-0)"},
	"hash-of-maps":        {":key u64 :max-entries 4 :inner-map lru-hash-0", ":key u32 :values (percpu-hash-0) :max-entries 2", ":key pair :max-entries 4 :inner-map ringbuf-0"},
	"devmap":              {":max-entries 8", ":key u32 :value u64 :max-entries 4"},
	"devmap-hash":         {":max-entries 8", ":key u32 :value-size 8 :max-entries 4"},
	"cpumap":              {":max-entries 2", ":key u32 :value u64 :max-entries 2"},
	"xskmap":              {":max-entries 8"},
	"sockmap":             {":max-entries 8", ":key u32 :value u64 :max-entries 4"},
	"sockhash":            {":key u64 :max-entries 8", ":key pair :value u64 :max-entries 4"},
	"queue":               {":value u32 :max-entries 8", ":value stats :max-entries 8"},
	"stack":               {":value i64 :max-entries 8", ":value (array u8 7) :max-entries 8"},
	"bloom-filter":        {":value u64 :max-entries 100 :map-extra 15", ":value pair :max-entries 100"},
	"cgroup-array":        {":max-entries 4"},
	"cgrp-storage":        {":value u64", ":key u32 :value stats"},
	"sk-storage":          {":value u64", ":key i32 :value stats :map-flags (BPF_F_NO_PREALLOC BPF_F_CLONE)"},
	"task-storage":        {":value u64", ":value stats"},
	"inode-storage":       {":value u64", ":value stats"},
	"reuseport-sockarray": {":max-entries 4", ":key u32 :value u64 :max-entries 4"},
	"arena":               nil, // refused by the compiler
	"struct-ops":          nil,
}

const mapTypesHead = `(defstruct pair (a u32) (b u32))
(defstruct prefix (bits u32) (addr (array u8 4)))
(defstruct stats (packets u64) (bytes u64) (where pair) (name (array u8 16)))
(defprog p () XDP_PASS)
`

// inner stand before the maps of maps that have them as templates.
var mapTypeOrder = []string{"hash", "array", "percpu-hash", "lru-hash", "ringbuf"}

// TestMapTypes loads maps of every type and checks that the kernel took the
// types of keys and values wherever the object has them: loaders try again
// without where it refuses, and forget the names of fields silently.
func TestMapTypes(t *testing.T) {
	need(t, "bpftool")
	needBPFFS(t)
	done := map[string]bool{}
	var src strings.Builder
	src.WriteString(mapTypesHead)
	maps := 0
	add := func(keyword string) {
		if done[keyword] {
			return
		}
		done[keyword] = true
		for i, opts := range mapTypeCases[keyword] {
			fmt.Fprintf(&src, "(defmap %s-%d :type :%s %s)\n", keyword, i, keyword, opts)
			maps++
		}
	}
	for _, k := range mapTypeOrder {
		add(k)
	}
	for k := range mapTypeCases {
		add(k)
	}
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "maps.lisp", Text: src.String()}}, whistler.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, src.String())
	}
	file := filepath.Join(t.TempDir(), "maps.o")
	if err := os.WriteFile(file, obj.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	typed := 0
	t.Run("cilium", func(t *testing.T) {
		spec, err := ebpf.LoadCollectionSpec(file)
		if err != nil {
			t.Fatal(err)
		}
		coll, err := ebpf.NewCollection(spec)
		if err != nil {
			t.Fatal(err)
		}
		defer coll.Close()
		if len(coll.Maps) != maps {
			t.Errorf("%d maps, want %d", len(coll.Maps), maps)
		}
		for name, m := range coll.Maps {
			info, err := m.Info()
			if err != nil {
				t.Fatal(err)
			}
			_, has := info.BTFID()
			if want := spec.Maps[name].Key != nil || spec.Maps[name].Value != nil; want && !has {
				t.Errorf("%s: the kernel refused the types of key and value", name)
			} else if want {
				typed++
			}
		}
	})
	t.Logf("%d maps of %d types; %d with the types of key and value", maps, len(mapTypeCases)-2, typed)
	t.Run("libbpf", func(t *testing.T) {
		dir := fmt.Sprintf("/sys/fs/bpf/wh%d-maptypes", os.Getpid())
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		out := command(t, "bpftool", "prog", "loadall", file, dir+"/progs", "pinmaps", dir+"/maps")
		if strings.Contains(out, "without BTF") {
			t.Errorf("libbpf had to leave types out:\n%s", out)
		}
		for keyword, cases := range mapTypeCases {
			for i := range cases {
				name := fmt.Sprintf("%s_%d", strings.ReplaceAll(keyword, "-", "_"), i)
				text := command(t, "bpftool", "-j", "map", "show", "pinned", dir+"/maps/"+name)
				var info struct{ Type any } // a number where bpftool is older than the type
				if err := json.Unmarshal([]byte(text), &info); err != nil {
					t.Fatalf("%v: %s", err, text)
				}
				if want := strings.ReplaceAll(keyword, "-", "_"); info.Type != want {
					t.Logf("bpftool calls %s %q", keyword, info.Type)
				}
			}
		}
		command(t, "bpftool", "map", "update", "pinned", dir+"/maps/array_1", "key", "1", "0", "0", "0", "value", "hex",
			"7", "0", "0", "0", "0", "0", "0", "0", "8", "0", "0", "0", "0", "0", "0", "0", "9", "0", "0", "0", "a", "0", "0", "0",
			"68", "69", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0")
		dump := command(t, "bpftool", "map", "dump", "pinned", dir+"/maps/array_1")
		for _, want := range []string{`"packets": 7`, `"bytes": 8`, `"where": {`, `"a": 9`, `"b": 10`} {
			if !strings.Contains(dump, want) {
				t.Errorf("no %s in the dump:\n%s", want, dump)
			}
		}
	})
	for _, keyword := range []string{"arena", "struct-ops"} {
		_, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "m.lisp", Text: "(defmap m :type :" + keyword + " :max-entries 1)"}}, whistler.Options{})
		if err == nil {
			t.Errorf(":%s is not refused", keyword)
		} else {
			t.Logf("refused: %v", err)
		}
	}
}

// TestMapTypesEach loads each map alone, so that a refusal names it.
func TestMapTypesEach(t *testing.T) {
	need(t)
	for keyword, cases := range mapTypeCases {
		for i, opts := range cases {
			src := mapTypesHead
			for _, k := range mapTypeOrder {
				if k != keyword {
					src += fmt.Sprintf("(defmap %s-0 :type :%s %s)\n", k, k, mapTypeCases[k][0])
				}
			}
			src += fmt.Sprintf("(defmap m :type :%s %s)\n", keyword, opts)
			obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "m.lisp", Text: src}}, whistler.Options{})
			if err != nil {
				t.Errorf("%s %d: %v", keyword, i, err)
				continue
			}
			spec, err := ebpf.LoadCollectionSpecFromReader(strings.NewReader(string(obj.Bytes())))
			if err != nil {
				t.Errorf("%s %d: %v", keyword, i, err)
				continue
			}
			coll, err := ebpf.NewCollection(spec)
			if err != nil {
				t.Errorf(":%s %s: the kernel refuses it: %v", keyword, opts, err)
				continue
			}
			coll.Close()
		}
	}
}
