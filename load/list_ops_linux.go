package load

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
)

// objInfo reads the kernel's description of an object: the first n bytes of
// struct bpf_map_info or bpf_link_info.
func objInfo(fd int, n int) []byte {
	info := make([]byte, n)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&info[0])
	a := struct {
		fd, size uint32
		info     uint64
	}{uint32(fd), uint32(n), address(&info[0])}
	if _, err := bpf(bpfObjGetInfo, unsafe.Pointer(&a), unsafe.Sizeof(a)); err != nil {
		return nil
	}
	return info
}

// opsMap is the map whose struct of operations a link has registered, 0 for
// other links.
func opsMap(l link.Link, info *link.Info) uint32 {
	raw, ok := l.(interface{ FD() int })
	if info.Type != link.StructOpsType || !ok {
		return 0
	}
	const mapID, size = 16, 24 // struct_ops.map_id of struct bpf_link_info
	b := objInfo(raw.FD(), size)
	if b == nil {
		return 0
	}
	return binary.NativeEndian.Uint32(b[mapID:])
}

// opsMembers lists, by program, the members of structs of operations that are
// registered; links has the links of their maps.
func opsMembers(links map[uint32]uint32) map[uint32][]Loaded {
	out := map[uint32][]Loaded{}
	var kernel *btf.Spec
	for id := ebpf.MapID(0); ; {
		var err error
		if id, err = ebpf.MapGetNextID(id); err != nil {
			return out
		}
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue
		}
		if m.Type() == ebpf.StructOpsMap {
			if kernel == nil {
				kernel, _ = btf.LoadKernelSpec()
			}
			if kernel != nil {
				membersOf(kernel, m, links[uint32(id)], out)
			}
		}
		m.Close()
	}
}

// membersOf adds those of one map. User space reads the numbers of programs
// where the kernel has addresses (bpf_struct_ops_map_sys_lookup_elem).
func membersOf(kernel *btf.Spec, m *ebpf.Map, link uint32, out map[uint32][]Loaded) {
	const valueType, size = 44, 48 // btf_vmlinux_value_type_id of struct bpf_map_info
	const state, inUse = 4, 1      // struct bpf_struct_ops_common_value, enum bpf_struct_ops_state
	info := objInfo(m.FD(), size)
	value, err := m.LookupBytes(uint32(0))
	if info == nil || err != nil || len(value) < 8 || link == 0 && binary.NativeEndian.Uint32(value[state:]) != inUse {
		return
	}
	t, err := kernel.TypeByID(btf.TypeID(binary.NativeEndian.Uint32(info[valueType:])))
	if err != nil {
		return
	}
	whole, ok := t.(*btf.Struct)
	if !ok {
		return
	}
	kind, ok := strings.CutPrefix(whole.Name, "bpf_struct_ops_")
	inner, at := opsInner(whole, kind)
	if !ok || inner == nil || int(at+inner.Size) > len(value) {
		return
	}
	what := kind
	if name := memberNamed(inner, "name"); name != nil {
		text, _, _ := strings.Cut(string(value[at+name.Offset.Bytes():]), "\x00")
		what = fmt.Sprintf("%s %q", kind, text)
	}
	for _, f := range inner.Members {
		p, isPtr := btf.As[*btf.Pointer](f.Type)
		if !isPtr {
			continue
		}
		if _, isFunc := btf.As[*btf.FuncProto](p.Target); isFunc {
			id := uint32(binary.NativeEndian.Uint64(value[at+f.Offset.Bytes():]))
			out[id] = append(out[id], Loaded{Link: link, Attached: fmt.Sprintf("struct_ops %s %s", what, f.Name)})
		}
	}
}
