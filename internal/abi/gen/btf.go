//go:build linux

package main

import (
	"encoding/binary"
	"log"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// Types of the probe's maps and functions, by id in the loaded BTF.
type probeTypes struct {
	fd                               int
	u32, u64, pair, bytes, spin      uint32
	mainFunc, globalFunc, staticFunc uint32
}

// loadTypes makes a BTF object with what the probe's programs need: integers,
// a struct, a global function of one context argument, a static callback.
func loadTypes(ctx string) probeTypes { return makeTypes(ctx, 8) }

// bytesType is loadTypes for an array of n bytes.
func bytesType(n uint32) probeTypes { return makeTypes("xdp_md", n) }

func makeTypes(ctx string, n uint32) probeTypes {
	u8 := &btf.Int{Name: "u8", Size: 1}
	u32 := &btf.Int{Name: "u32", Size: 4}
	u64 := &btf.Int{Name: "u64", Size: 8}
	i32 := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	pair := &btf.Struct{Name: "pair", Size: 8, Members: []btf.Member{{Name: "a", Type: u32}, {Name: "b", Type: u32, Offset: 32}}}
	bytes := &btf.Array{Index: u32, Type: u8, Nelems: n}
	spin := &btf.Struct{Name: "bpf_spin_lock", Size: 4, Members: []btf.Member{{Name: "val", Type: u32}}}
	locked := &btf.Struct{Name: "locked", Size: 8, Members: []btf.Member{{Name: "lock", Type: spin}, {Name: "x", Type: u32, Offset: 32}}}
	proto := &btf.FuncProto{Return: i32, Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: &btf.Struct{Name: ctx, Size: 4, Members: []btf.Member{{Name: "x", Type: u32}}}}}}}
	mainFn := &btf.Func{Name: "entry", Type: proto, Linkage: btf.GlobalFunc}
	global := &btf.Func{Name: "global", Type: proto, Linkage: btf.GlobalFunc}
	static := &btf.Func{Name: "callback", Type: &btf.FuncProto{Return: i32, Params: []btf.FuncParam{{Name: "a", Type: u64}}}, Linkage: btf.StaticFunc}

	b, err := btf.NewBuilder(nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	add := func(t btf.Type) uint32 {
		id, err := b.Add(t)
		if err != nil {
			log.Fatal(err)
		}
		return uint32(id)
	}
	p := probeTypes{u32: add(u32), u64: add(u64), pair: add(pair), bytes: add(bytes), spin: add(locked),
		mainFunc: add(mainFn), globalFunc: add(global), staticFunc: add(static)}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	p.fd = loadBTF(raw)
	return p
}

func loadBTF(raw []byte) int {
	attr := struct {
		btf, logBuf       uint64
		size, logSize, lv uint32
		true              uint32
	}{btf: ptr(raw), size: uint32(len(raw)), logBuf: ptr(logBuf), logSize: uint32(len(logBuf)), lv: 1}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_BTF_LOAD, uintptr(unsafe.Pointer(&attr)), 28)
	runtime.KeepAlive(raw)
	if errno != 0 {
		log.Fatalf("BTF: %v\n%s", errno, unix.ByteSliceToString(logBuf))
	}
	return int(fd)
}

// funcInfo says that the function at instruction off has a type, pairwise.
func funcInfo(pairs ...uint32) []byte {
	var b []byte
	for _, v := range pairs {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// mapAttr is the part of union bpf_attr for BPF_MAP_CREATE.
type mapAttr struct {
	mapType, keySize, valueSize, maxEntries uint32
	flags, innerFD, numa                    uint32
	name                                    [16]byte
	ifindex, btfFD, btfKey, btfValue        uint32
	vmlinuxValue                            uint32
	extra                                   uint64
	valueBTFObj, token                      int32
}

func createMap(a mapAttr) (int, error) {
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&a)), unsafe.Sizeof(a))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// canCreate tells whether the kernel makes such a map, and closes it.
func canCreate(a mapAttr) bool {
	fd, err := createMap(a)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}
