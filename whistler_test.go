package whistler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// What an object holds: its programs and maps, and what the compiler warns of.
func ExampleObject() {
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "limit.lisp", Text: `
(defstruct who (addr u32) (port u16))
(defglobal limit u32 10 :const t)
(defmap seen :type :lru-hash :key who :value u64 :max-entries 1024)
(defmap spare :type :array :key u32 :value u32 :max-entries 1)
(defprog watch (:type :xdp :license "GPL")
  "Counts by sender."
  (with-udp (data data-end udp)
    (let ((w (make-who)))
      (setf (who-port w) (udp-src-port udp))
      (when (> (incf (getmap seen w)) limit)
        (return XDP_DROP))))
  XDP_PASS)`}}, whistler.Options{Define: map[string]string{"limit": "1000"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range obj.Programs() {
		fmt.Printf("program %s in section %s: %s\n", p.Name, p.Section, p.Doc)
	}
	for _, m := range obj.Maps() {
		fmt.Printf("map %s of type %s: keys of %d bytes, values of %d, %d entries\n", m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries)
	}
	for _, w := range obj.Warnings() {
		fmt.Println(w)
	}
	// Output:
	// program watch in section xdp: Counts by sender.
	// map seen of type lru-hash: keys of 8 bytes, values of 8, 1024 entries
	// map spare of type array: keys of 4 bytes, values of 4, 1 entries
	// limit.lisp:5:9: warning: nothing uses the map `spare`
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

// BenchmarkCompile compiles a small program, and some of about 100 slots.
func BenchmarkCompile(b *testing.B) {
	sources := []whistler.Source{{Name: "count.lisp", Text: counter}}
	for _, name := range []string{"port-class", "ipip-encap"} {
		text, err := os.ReadFile(filepath.Join("bench", "lisp", name+".lisp"))
		if err != nil {
			b.Fatal(err)
		}
		sources = append(sources, whistler.Source{Name: name + ".lisp", Text: string(text)})
	}
	for _, s := range sources {
		b.Run(s.Name, func(b *testing.B) {
			b.ReportAllocs()
			slots := 0
			for b.Loop() {
				o, err := whistler.Compile(context.Background(), []whistler.Source{s}, whistler.Options{})
				if err != nil {
					b.Fatal(err)
				}
				slots = o.Programs()[0].Slots
			}
			b.ReportMetric(float64(slots), "slots")
		})
	}
}
