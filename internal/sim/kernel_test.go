package sim

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/whistler-lang/whistler/internal/abi"
)

// needMaps skips a test that may not make maps here. Continuous integration
// has the right, and must not pass without these tests.
func needMaps(t *testing.T) {
	t.Helper()
	err := rlimit.RemoveMemlock()
	if err == nil {
		var m *ebpf.Map
		m, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1})
		if err == nil {
			m.Close()
			return
		}
	}
	if os.Getenv("CI") == "true" && os.Getuid() == 0 {
		t.Fatalf("cannot make maps: %v", err)
	}
	t.Skipf("cannot make maps: %v", err)
}

// errnoOf is the kernel's answer, 0 for success.
func errnoOf(t *testing.T, err error) Errno {
	var e unix.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return Errno(e)
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return eNoEnt
	case errors.Is(err, ebpf.ErrKeyExist):
		return eExist
	case errors.Is(err, ebpf.ErrNotSupported):
		return eNotSup
	}
	t.Fatalf("kernel: %v", err)
	return 0
}

func simErrno(t *testing.T, err error) Errno {
	var e Errno
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("simulation: %v", err)
	}
	return e
}

// both is a map in the kernel and here.
type both struct {
	t   *testing.T
	k   *ebpf.Map
	s   *Map
	cpu int
}

func newBoth(t *testing.T, def MapDef) *both {
	t.Helper()
	kind := abi.MapTypeByKeyword(def.Type)
	k, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.MapType(kind.ID), KeySize: def.KeySize, ValueSize: def.ValueSize, MaxEntries: def.MaxEntries, Flags: def.Flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{CPUs: cpus}).AddMap(def)
	if err != nil {
		t.Fatal(err)
	}
	return &both{t, k, s, cpus}
}

func (b *both) same(what string, k, s Errno) {
	b.t.Helper()
	if k != s {
		b.t.Fatalf("%s: the kernel says %v, the simulation %v", what, k, s)
	}
}

func (b *both) update(key, value []byte, flags uint64) {
	b.t.Helper()
	var kv any = value
	if b.s.kind.PerCPU {
		var all [][]byte
		for n := len(value) / b.cpu; len(value) > 0; value = value[n:] {
			all = append(all, value[:n])
		}
		value, kv = bytes.Join(all, nil), all
	}
	b.same(fmt.Sprintf("update %x %x %d", key, value, flags),
		errnoOf(b.t, b.k.Update(key, kv, ebpf.MapUpdateFlags(flags))), simErrno(b.t, b.s.Update(key, value, flags)))
}

func (b *both) remove(key []byte) {
	b.t.Helper()
	b.same(fmt.Sprintf("delete %x", key), errnoOf(b.t, b.k.Delete(key)), simErrno(b.t, b.s.Delete(key)))
}

func (b *both) lookup(key []byte) {
	b.t.Helper()
	var kv []byte
	var err error
	if b.s.kind.PerCPU {
		var all [][]byte
		err = b.k.Lookup(key, &all)
		kv = bytes.Join(all, nil)
	} else {
		kv = make([]byte, b.s.ValueSize)
		err = b.k.Lookup(key, &kv)
	}
	sv, ok := b.s.Lookup(key)
	if ke := errnoOf(b.t, err); (ke == 0) != ok {
		b.t.Fatalf("lookup %x: the kernel says %v, the simulation %v", key, ke, ok)
	} else if ok && !bytes.Equal(kv, sv) {
		b.t.Fatalf("lookup %x: the kernel has %x, the simulation %x", key, kv, sv)
	}
}

// TestKernelMaps does the same random things to maps of the kernel and to
// simulated ones, and compares each answer.
func TestKernelMaps(t *testing.T) {
	needMaps(t)
	noPrealloc := uint32(constant("BPF_F_NO_PREALLOC"))
	for _, def := range []MapDef{
		{Type: "hash", KeySize: 4, ValueSize: 8, MaxEntries: 12},
		{Type: "hash", KeySize: 3, ValueSize: 5, MaxEntries: 12, Flags: noPrealloc},
		{Type: "array", KeySize: 4, ValueSize: 7, MaxEntries: 12},
		{Type: "lpm-trie", KeySize: 8, ValueSize: 8, MaxEntries: 12, Flags: noPrealloc},
		{Type: "lpm-trie", KeySize: 5, ValueSize: 1, MaxEntries: 12, Flags: noPrealloc},
		{Type: "percpu-hash", KeySize: 4, ValueSize: 8, MaxEntries: 12},
		{Type: "percpu-array", KeySize: 4, ValueSize: 8, MaxEntries: 12},
		{Type: "lru-hash", KeySize: 4, ValueSize: 8, MaxEntries: 10000},
		{Type: "devmap", KeySize: 4, ValueSize: 4, MaxEntries: 12},
	} {
		def.Name = def.Type
		t.Run(fmt.Sprintf("%s-%d", def.Type, def.KeySize), func(t *testing.T) {
			b := newBoth(t, def)
			g := rand.New(rand.NewSource(1))
			for range 5000 {
				key := le32(uint32(g.Intn(20)))
				switch {
				case def.Type == "lpm-trie":
					bits := int(def.KeySize-4) * 8
					key = le32(uint32(g.Intn(bits + 2)))
					for range def.KeySize - 4 { // few different bits, so that prefixes meet
						key = append(key, []byte{0, 1, 0x80, 0xff}[g.Intn(4)])
					}
				case def.KeySize == 3:
					key = key[:3]
				}
				value := make([]byte, def.ValueSize)
				g.Read(value)
				if b.s.kind.PerCPU {
					value = make([]byte, int(def.ValueSize)*b.cpu)
					g.Read(value)
				}
				if def.Type == "devmap" {
					value = le32(1) // the loopback interface
				}
				switch g.Intn(5) {
				case 0, 1:
					flags := uint64([]int{0, 0, 0, 1, 2, 3, 4, 8}[g.Intn(8)])
					b.update(key, value, flags)
				case 2:
					b.remove(key)
				default:
					if def.Type != "devmap" {
						b.lookup(key)
					}
				}
			}
			if def.Type == "array" || def.Type == "percpu-array" || def.Type == "devmap" {
				return
			}
			var got, want []string
			for _, k := range b.s.Keys() {
				got = append(got, string(k))
			}
			var key []byte
			for it := b.k; ; {
				next := make([]byte, def.KeySize)
				var prev any
				if key != nil {
					prev = key
				}
				if err := it.NextKey(prev, &next); err != nil {
					break
				}
				key = next
				want = append(want, string(key))
			}
			sort.Strings(got)
			sort.Strings(want)
			if fmt.Sprintf("%x", got) != fmt.Sprintf("%x", want) {
				t.Errorf("keys are\n%x, the kernel has\n%x", got, want)
			}
		})
	}
}

// TestKernelQueues compares maps without keys.
func TestKernelQueues(t *testing.T) {
	needMaps(t)
	for _, typ := range []string{"queue", "stack"} {
		t.Run(typ, func(t *testing.T) {
			b := newBoth(t, MapDef{Name: typ, Type: typ, ValueSize: 8, MaxEntries: 5})
			g := rand.New(rand.NewSource(1))
			for i := range 3000 {
				value := le64(uint64(i))
				got := make([]byte, 8)
				switch g.Intn(4) {
				case 0, 1:
					flags := uint64([]int{0, 0, 0, 1, 2, 3}[g.Intn(6)])
					b.update(nil, value, flags)
				case 2:
					ke := errnoOf(t, b.k.LookupAndDelete(nil, &got))
					sv, err := b.s.Pop()
					b.same("pop", ke, simErrno(t, err))
					if ke == 0 && !bytes.Equal(got, sv) {
						t.Fatalf("pop: the kernel has %x, the simulation %x", got, sv)
					}
				default:
					ke := errnoOf(t, b.k.Lookup(nil, &got))
					sv, ok := b.s.Lookup(nil)
					if ok != (ke == 0) || ok && !bytes.Equal(got, sv) {
						t.Fatalf("peek: the kernel has %v %x, the simulation %v %x", ke, got, ok, sv)
					}
				}
			}
		})
	}
}
