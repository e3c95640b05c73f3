package load

import (
	"os"
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// Numbers of <linux/bpf.h> for which the library has no name; a test compares
// them with the kernel's.
const (
	bpfProgLoad   = 5  // BPF_PROG_LOAD
	bpfObjGetInfo = 15 // BPF_OBJ_GET_INFO_BY_FD
	bpfLinkCreate = 28 // BPF_LINK_CREATE
	bpfIterCreate = 33 // BPF_ITER_CREATE

	attachFSession = ebpf.AttachType(58) // BPF_TRACE_FSESSION

	cgroupIterDescendants = 2 // BPF_CGROUP_ITER_DESCENDANTS_PRE
)

// linkHead begins union bpf_attr for BPF_LINK_CREATE.
type linkHead struct{ prog, target, attach, flags uint32 }

func bpf(cmd uintptr, attr unsafe.Pointer, size uintptr) (int, error) {
	for {
		fd, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(attr), size)
		switch errno {
		case 0:
			return int(fd), nil
		case unix.EINTR, unix.EAGAIN:
		default:
			return 0, errno
		}
	}
}

func address[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// An fdLink is a link that is nothing but its descriptor.
type fdLink int

func (l fdLink) Close() error { return unix.Close(int(l)) }

// sessionLink creates a uprobe session at offsets of a file.
func sessionLink(p *ebpf.Program, way ebpf.AttachType, file string, offsets []uint64, pid int) (closer, error) {
	path := append([]byte(file), 0)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&path[0])
	pin.Pin(&offsets[0])
	a := struct {
		linkHead
		path, offsets, refs, cookies uint64
		count, flags, pid, _         uint32
	}{linkHead: linkHead{prog: uint32(p.FD()), attach: uint32(way)}, path: address(&path[0]), offsets: address(&offsets[0]),
		count: uint32(len(offsets)), pid: uint32(pid)}
	fd, err := bpf(bpfLinkCreate, unsafe.Pointer(&a), unsafe.Sizeof(a))
	if err != nil {
		return nil, err
	}
	return fdLink(fd), nil
}

// iterInfo is union bpf_iter_link_info: its members are of 4 bytes.
type iterInfo [4]uint32

func iterLink(p *ebpf.Program, way ebpf.AttachType, info iterInfo) (fdLink, error) {
	a := struct {
		linkHead
		info    uint64
		size, _ uint32
	}{linkHead: linkHead{prog: uint32(p.FD()), attach: uint32(way)}}
	var pin runtime.Pinner
	defer pin.Unpin()
	if info != (iterInfo{}) {
		pin.Pin(&info[0])
		a.info, a.size = address(&info[0]), uint32(unsafe.Sizeof(info))
	}
	fd, err := bpf(bpfLinkCreate, unsafe.Pointer(&a), unsafe.Sizeof(a))
	return fdLink(fd), err
}

// openIter begins a walk.
func openIter(l fdLink) (*os.File, error) {
	a := struct{ link, flags uint32 }{link: uint32(l)}
	fd, err := bpf(bpfIterCreate, unsafe.Pointer(&a), unsafe.Sizeof(a))
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "iterator"), nil
}
