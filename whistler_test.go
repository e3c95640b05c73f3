package whistler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler"
)

const counter = `(defmap pkt-count :type :array :key-size 4 :value-size 8 :max-entries 1)
(defprog count-packets (:type :xdp :license "GPL")
  (incf (getmap pkt-count 0))
  XDP_PASS)
`

func ExampleCompile() {
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "count.lisp", Text: counter}}, whistler.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range obj.Programs() {
		fmt.Println(p.Name, p.Type, p.Section)
	}
	for _, m := range obj.Maps() {
		fmt.Println(m.Name, m.Type, m.KeySize, m.ValueSize)
	}
	// Output:
	// count_packets xdp xdp
	// pkt_count array 4 8
}

func ExampleCompile_error() {
	_, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "bad.lisp", Text: "(defprog p () (incf (getmap conns 1)))\n"}}, whistler.Options{})
	var ds whistler.Diagnostics
	if errors.As(err, &ds) {
		fmt.Println(ds[0])
	}
	// Output: bad.lisp:1:29: error: unknown map `conns`
}

// TestObject checks what loaders see of an object.
func TestObject(t *testing.T) {
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "count.lisp", Text: counter}}, whistler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(obj.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	m := spec.Maps["pkt_count"]
	if m == nil || m.Type != ebpf.Array || m.KeySize != 4 || m.ValueSize != 8 || m.MaxEntries != 1 || m.Key == nil || m.Value == nil {
		t.Errorf("map %+v", m)
	}
	p := spec.Programs["count_packets"]
	if p == nil || p.Type != ebpf.XDP || p.License != "GPL" || p.SectionName != "xdp" {
		t.Fatalf("program %+v", p)
	}
	lines := map[string]bool{}
	for _, ins := range p.Instructions {
		if s := ins.Source(); s != nil {
			lines[s.String()] = true
		}
	}
	if !lines["  (incf (getmap pkt-count 0))"] || !lines["  XDP_PASS)"] {
		t.Errorf("source lines %v", lines)
	}
}

// TestSameBytes compiles at once and again: the bytes never differ.
func TestSameBytes(t *testing.T) {
	compile := func() []byte {
		obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "count.lisp", Text: counter}}, whistler.Options{})
		if err != nil {
			t.Error(err)
			return nil
		}
		return obj.Bytes()
	}
	want := compile()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if !bytes.Equal(compile(), want) {
				t.Error("other bytes")
			}
		}()
	}
	wg.Wait()
}

func TestNotText(t *testing.T) {
	for _, text := range []string{"\xff\xfe", "(defprog p () 1)\x00"} {
		_, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "x", Text: text}}, whistler.Options{})
		var ds whistler.Diagnostics
		if !errors.As(err, &ds) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "count.lisp", Text: counter}}, whistler.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
