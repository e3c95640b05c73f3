package load_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/load"
)

func compiled(t testing.TB, text string) []byte {
	t.Helper()
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "typed.lisp", Text: text}}, whistler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return obj.Bytes()
}

func root(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
}

func opened(t testing.TB, text string) *load.Collection {
	t.Helper()
	root(t)
	c, err := load.Open(compiled(t, text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func runs(t testing.TB, c *load.Collection, program string) uint32 {
	t.Helper()
	n, err := c.Program(program).Run(&ebpf.RunOptions{Data: make([]byte, 64)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const typedSource = `
(defstruct inner (low (bits u32 3)) (rest (bits u32 29)) (n i16))
(defenum kind (kind-a 1) (kind-b 2))
(defstruct flow (proto u8) (src u32) (src-port u16) (dport u16))
(defstruct traffic (packets u64) (last i32) (kind kind) (in inner) (name (array u8 6)))
(defunion word (whole u32) (halves (array u16 2)))
(defstruct with-union (w word) (n u32))
(defmap flows :type :hash :key flow :value traffic :max-entries 16)
(defmap counts :type :percpu-hash :key u32 :value traffic :max-entries 16)
(defmap words :type :array :key u32 :value with-union :max-entries 1)
(defmap ring :type :ringbuf :max-entries 65536 :event flow)
(defmap perf :type :perf-event-array :event flow)

(defprog make-entry (:type :xdp :license "GPL")
  (let ((k (make-flow)) (v (make-traffic)))
    (setf (flow-proto k) 17 (flow-src k) #x0a000001 (flow-src-port k) 53 (flow-dport k) 4000)
    (setf (traffic-packets v) 7 (traffic-last v) -2 (traffic-kind v) kind-b)
    (setf (getmap flows k) v)
    (setf (getmap counts 5) v))
  XDP_PASS)

(defprog read-entry (:type :xdp)
  (let ((k (make-flow)))
    (setf (flow-proto k) 6 (flow-src k) 1)
    (if-let ((v (getmap flows k))) (traffic-last v) 99)))

(defprog send (:type :xdp :license "GPL")
  (with-ringbuf (e ring (sizeof flow))
    (setf (flow-proto e) 1 (flow-src e) 2 (flow-src-port e) 3 (flow-dport e) 4))
  XDP_PASS)

(defprog send-perf (:type :xdp :license "GPL")
  (let ((k (make-flow)))
    (setf (flow-proto k) 9 (flow-dport k) 8)
    (perf-event-output (ctx-ptr) perf #xffffffff k (sizeof flow)))
  XDP_PASS)
`

type inner struct {
	Bits0 [4]byte
	N     int16
	_     [2]byte
}

type flow struct {
	Proto   uint8 // Go leaves three bytes here, as C does
	Src     uint32
	SrcPort uint16
	Dport   uint16
}

type traffic struct {
	Packets uint64
	Last    int32
	Kind    uint32
	In      inner
	Name    [6]byte
}

func TestMapOf(t *testing.T) {
	c := opened(t, typedSource)
	m, err := load.MapOf[flow, traffic](c, "flows")
	if err != nil {
		t.Fatal(err)
	}
	runs(t, c, "make_entry")
	key := flow{17, 0x0a000001, 53, 4000}
	if v, err := m.Get(key); err != nil || v.Packets != 7 || v.Last != -2 || v.Kind != 2 {
		t.Errorf("%+v %v", v, err)
	}
	// What the program looks up is what Go has put, whatever is in the bytes
	// between the fields.
	if err := m.Put(flow{Proto: 6, Src: 1}, traffic{Last: 42}); err != nil {
		t.Fatal(err)
	}
	if n := runs(t, c, "read_entry"); n != 42 {
		t.Errorf("the program reads %d", n)
	}
	all := maps.Collect(m.All())
	if len(all) != 2 || all[key].Packets != 7 || m.Err() != nil {
		t.Errorf("%v %v", all, m.Err())
	}
	for range m.All() {
		break
	}
	if err := m.Delete(key); err != nil {
		t.Error(err)
	}
	if _, err := m.Get(key); !errors.Is(err, ebpf.ErrKeyNotExist) {
		t.Errorf("a key that is not there: %v", err)
	}
}

func TestPerCPUMapOf(t *testing.T) {
	c := opened(t, typedSource)
	m, err := load.PerCPUMapOf[uint32, traffic](c, "counts")
	if err != nil {
		t.Fatal(err)
	}
	runs(t, c, "make_entry")
	sum, err := m.Sum(5)
	if err != nil || sum.Packets != 7 || sum.Last != -2 {
		t.Errorf("%+v %v", sum, err)
	}
	vs, err := m.Get(5)
	if err != nil || len(vs) != ebpf.MustPossibleCPU() {
		t.Fatalf("%d values, %v", len(vs), err)
	}
	for i := range vs {
		vs[i] = traffic{Packets: uint64(i + 1), Name: [6]byte{1}}
	}
	if err := m.Put(6, vs); err != nil {
		t.Fatal(err)
	}
	n := uint64(len(vs))
	all := map[uint32]uint64{}
	for k, vs := range m.All() {
		all[k] = load.Sum(vs).Packets
	}
	if !maps.Equal(all, map[uint32]uint64{5: 7, 6: n * (n + 1) / 2}) || m.Err() != nil {
		t.Errorf("%v %v", all, m.Err())
	}
	if _, err := load.MapOf[uint32, traffic](c, "counts"); err == nil || !strings.Contains(err.Error(), "want PerCPUMapOf") {
		t.Error(err)
	}
	if _, err := load.PerCPUMapOf[flow, traffic](c, "flows"); err == nil || !strings.Contains(err.Error(), "want MapOf") {
		t.Error(err)
	}
	if _, err := load.MapOf[flow, traffic](c, "flaws"); err == nil || !strings.Contains(err.Error(), "the object has no map flaws") {
		t.Error(err)
	}
}

func TestEventsOf(t *testing.T) {
	c := opened(t, typedSource)
	for _, x := range []struct {
		buffer, program string
		want            flow
	}{{"ring", "send", flow{1, 2, 3, 4}}, {"perf", "send_perf", flow{9, 0, 0, 8}}} {
		e, err := load.EventsOf[flow](c, x.buffer)
		if err != nil {
			t.Fatal(err)
		}
		const count = 5
		for range count {
			runs(t, c, x.program)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		n := 0
		for v := range e.All(ctx) {
			if v != x.want {
				t.Errorf("%s: %+v", x.buffer, v)
			}
			if n++; n == count-1 {
				cancel() // what is still there comes all the same
			}
		}
		cancel()
		if n != count || e.Err() != nil || e.Lost() != 0 {
			t.Errorf("%s: %d events, %d lost, %v", x.buffer, n, e.Lost(), e.Err())
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := load.EventsOf[flow](c, "flows"); err == nil || !strings.Contains(err.Error(), "ring and perf buffers") {
		t.Error(err)
	}
}

// TestLost fills a perf buffer that nobody reads. The kernel says with the
// next record of the same CPU how many were lost.
func TestLost(t *testing.T) {
	c := opened(t, typedSource)
	e, err := load.EventsOf[flow](c, "perf")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if before.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	defer unix.SchedSetaffinity(0, &before)
	ended, cancel := context.WithCancel(context.Background())
	cancel() // what is there comes all the same
	const count = 20000
	got := uint64(0)
	for _, repeat := range []uint32{count, 1} {
		if _, err := c.Program("send_perf").Run(&ebpf.RunOptions{Data: make([]byte, 64), Repeat: repeat}); err != nil {
			t.Fatal(err)
		}
		for range e.All(ended) {
			got++
		}
	}
	if e.Lost() == 0 || got+e.Lost() < count || e.Err() != nil {
		t.Errorf("%d records and %d lost, of %d, %v", got, e.Lost(), count, e.Err())
	}
}

// TestLayoutErrors names the field that differs.
func TestLayoutErrors(t *testing.T) {
	c := opened(t, typedSource)
	for _, x := range []struct {
		got  error
		want string
	}{
		{mapOf[flow, struct {
			Packets uint64
			Kind    uint32
			Last    int32
			In      inner
			Name    [6]byte
		}](c, "flows"), "the value of the map `flows`: field last: the object has offset 8, the Go struct 12"},
		{mapOf[struct {
			Proto   uint8
			Src     uint32
			Dport   uint16
			SrcPort uint16
		}, traffic](c, "flows"), "the key of the map `flows`: field src_port: the object has offset 8, the Go struct 10"},
		{mapOf[struct {
			Proto   uint16
			Src     uint32
			SrcPort uint16
			Dport   uint16
		}, traffic](c, "flows"), "the key of the map `flows`: field proto: the object has u8, the Go type is uint16"},
		{mapOf[struct {
			Proto   uint8
			Src     int32
			SrcPort uint16
			Dport   uint16
		}, traffic](c, "flows"), "the key of the map `flows`: field src: the object has u32, the Go type is int32"},
		{mapOf[struct {
			Proto   uint8
			Src     uint32
			SrcPort uint16
		}, traffic](c, "flows"), "the key of the map `flows`: field dport: the Go struct does not have it"},
		{mapOf[struct {
			Proto   uint8
			Src     uint32
			SrcPort uint16
			Dport   uint16
			More    uint32
		}, traffic](c, "flows"), "the key of the map `flows`: field More: the object does not have it"},
		{mapOf[flow, struct {
			Packets uint64
			Last    int32
			Kind    uint32
			In      struct {
				Bits0 [4]byte
				N     uint16
				_     [2]byte
			}
			Name [6]byte
		}](c, "flows"), "the value of the map `flows`: field in.n: the object has i16, the Go type is uint16"},
		{mapOf[flow, struct {
			Packets uint64
			Last    int32
			Kind    uint32
			In      inner
			Name    string
		}](c, "flows"), "the value of the map `flows`: field Name: a Go string is no memory that the kernel knows: want integers, arrays and structs of them"},
		{mapOf[string, traffic](c, "flows"), "the key of the map `flows`: a Go string is no memory that the kernel knows: want integers, arrays and structs of them"},
		{mapOf[uint64, traffic](c, "counts"), "the key of the map `counts`: the object has u32, the Go type is uint64"},
		{eventsOf[struct{ A uint32 }](c, "ring"), "the events of the map `ring`: field proto: the Go struct does not have it"},
	} {
		var le *load.LayoutError
		if !errors.As(x.got, &le) || x.got.Error() != x.want {
			t.Errorf("%v\nwant %s", x.got, x.want)
		}
	}
	for i, err := range []error{
		mapOf[[12]byte, traffic](c, "flows"), // bytes are good for everything
		mapOf[flow, struct {
			Packets uint64
			_       [24]byte // and blank fields for what is not asked for
		}](c, "flows"),
		mapOf[struct {
			Proto   uint8
			_       [3]byte
			Src     [4]byte
			SrcPort uint16
			Dport   uint16
		}, traffic](c, "flows"),
		mapOf[uint32, struct {
			W struct{ Whole uint32 }
			N uint32
		}](c, "words"),
	} {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func mapOf[K, V any](c *load.Collection, name string) error {
	if load.PerCPU(c.Spec.Maps[name].Type) {
		_, err := load.PerCPUMapOf[K, V](c, name)
		return err
	}
	_, err := load.MapOf[K, V](c, name)
	return err
}

func eventsOf[T any](c *load.Collection, name string) error {
	_, err := load.EventsOf[T](c, name)
	return err
}

func TestSumOf(t *testing.T) {
	type v struct {
		A uint64
		B [2]int32
	}
	if got := load.Sum([]v{{1, [2]int32{1, -2}}, {2, [2]int32{3, -4}}}); !reflect.DeepEqual(got, v{3, [2]int32{4, -6}}) {
		t.Errorf("%+v", got)
	}
}
