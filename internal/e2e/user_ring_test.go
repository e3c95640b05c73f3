package e2e

import (
	"context"
	"encoding/binary"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/whistler-lang/whistler"
	"golang.org/x/sys/unix"
)

// TestUserRingbuf puts records into a user ring buffer, as libbpf's producer
// does, and lets a program drain them.
func TestUserRingbuf(t *testing.T) {
	need(t)
	const src = `(defmap commands :type :user-ringbuf :max-entries 4096)
(defmap out :type :array :value u64 :max-entries 4)
(defprog drain ()
  (let ((sum 0) (buf u64 0) (n 0))
    (setf n (user-ringbuf-drain (r commands BPF_RB_NO_WAKEUP)
              (when (= (dynptr-read (stack-addr buf) 8 r 0 0) 0)
                (incf sum buf))
              (when-let ((p (dynptr-data r 8 4)))
                (setf (getmap out 1) (load u32 p)))))
    (setf (getmap out 0) sum)
    (logand n 3)))`
	obj, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "ring.lisp", Text: src}}, whistler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(strings.NewReader(string(obj.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	run := func(want uint32) {
		t.Helper()
		r, err := coll.Programs["drain"].Run(&ebpf.RunOptions{Data: make([]byte, 64)})
		if err != nil || r != want {
			t.Errorf("result %d, want %d, %v", r, want, err)
		}
	}
	run(0)

	// One page of the consumer's position, one of the producer's, then data.
	page, fd := os.Getpagesize(), coll.Maps["commands"].FD()
	mem, err := unix.Mmap(fd, int64(page), page+4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	position := (*uint64)(unsafe.Pointer(&mem[0]))
	for i, v := range []uint64{5, 70, 900} {
		at := page + int(*position)
		binary.LittleEndian.PutUint32(mem[at:], 16)
		binary.LittleEndian.PutUint64(mem[at+8:], v)
		binary.LittleEndian.PutUint32(mem[at+16:], uint32(i+1))
		atomic.AddUint64(position, 24)
	}
	run(3)
	for key, want := range []uint64{975, 3} {
		var v uint64
		if err := coll.Maps["out"].Lookup(uint32(key), &v); err != nil || v != want {
			t.Errorf("out[%d] is %d, want %d, %v", key, v, want, err)
		}
	}
	run(0)
}
