package load

import (
	"runtime"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// mapTypes gives the types of a map's key and value, nil where it has none.
func mapTypes(m *ebpf.Map) (key, value btf.Type, err error) {
	var info struct { // struct bpf_map_info, as far as it matters
		_                          [64]byte
		btf, keyType, valueType, _ uint32
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&info)
	a := struct {
		fd, size uint32
		info     uint64
	}{uint32(m.FD()), uint32(unsafe.Sizeof(info)), address(&info)}
	if _, err := bpf(bpfObjGetInfo, unsafe.Pointer(&a), unsafe.Sizeof(a)); err != nil {
		return nil, nil, err
	}
	if info.btf == 0 {
		return nil, nil, nil
	}
	h, err := btf.NewHandleFromID(btf.ID(info.btf))
	if err != nil {
		return nil, nil, err
	}
	defer h.Close()
	spec, err := h.Spec(nil)
	if err != nil {
		return nil, nil, err
	}
	for _, side := range []struct {
		id  uint32
		typ *btf.Type
	}{{info.keyType, &key}, {info.valueType, &value}} {
		if side.id != 0 {
			if *side.typ, err = spec.TypeByID(btf.TypeID(side.id)); err != nil {
				return nil, nil, err
			}
		}
	}
	return key, value, nil
}
