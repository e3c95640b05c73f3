package load

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// rawKinds are the kinds of programs that the library cannot load, since it
// does not find what they attach to in the kernel's types: the prefix of its
// name there.
var rawKinds = map[ebpf.AttachType]string{ebpf.AttachLSMCgroup: "bpf_lsm_", attachFSession: ""}

// takeRaw takes the programs out of an object that the library cannot load.
func takeRaw(spec *ebpf.CollectionSpec) (out map[string]*ebpf.ProgramSpec) {
	for _, name := range sortedKeys(spec.Programs) {
		if _, ok := rawKinds[spec.Programs[name].AttachType]; !ok {
			continue
		}
		if out == nil {
			out = map[string]*ebpf.ProgramSpec{}
		}
		out[name] = spec.Programs[name]
		delete(spec.Programs, name)
	}
	return out
}

// loadRaw loads such a program for the maps of c, as the library loads the
// others.
func loadRaw(s *ebpf.ProgramSpec, c *ebpf.Collection) (*ebpf.Program, error) {
	fail := func(err error) (*ebpf.Program, error) { return nil, fmt.Errorf("program %s: %w", s.Name, err) }
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return fail(err)
	}
	var function *btf.Func
	if err := kernel.TypeByName(rawKinds[s.AttachType]+s.AttachTo, &function); err != nil {
		return fail(fmt.Errorf("the kernel's types have no %s: %w", s.AttachTo, err))
	}
	id, err := kernel.TypeID(function)
	if err != nil {
		return fail(err)
	}
	insns := slices.Clone(s.Instructions)
	for i := range insns {
		if name := insns[i].Reference(); insns[i].IsLoadFromMap() && name != "" {
			if c.Maps[name] == nil {
				return fail(fmt.Errorf("there is no map %s", name))
			}
			if err := insns[i].AssociateMap(c.Maps[name]); err != nil {
				return fail(err)
			}
		} else if insns[i].IsKfuncCall() {
			return fail(fmt.Errorf("it calls the kernel function %s, and a program of the section %s that does is not loaded here; libbpf loads the object", name, s.SectionName))
		}
	}
	var types btf.Builder
	if err := relocate(insns, s, kernel, &types); err != nil {
		return fail(err)
	}
	funcs, lines, err := btf.MarshalExtInfos(insns, &types)
	if err != nil {
		return fail(err)
	}
	handle, err := btf.NewHandle(&types)
	if err != nil {
		return fail(err)
	}
	defer handle.Close()
	var code bytes.Buffer
	if err := insns.Marshal(&code, s.ByteOrder); err != nil {
		return fail(err)
	}
	fd, err := progLoad(s, code.Bytes(), funcs, lines, handle.FD(), uint32(id))
	if err != nil {
		return fail(err)
	}
	return ebpf.NewProgramFromFD(fd)
}

// relocate applies the CO-RE relocations of a program.
func relocate(insns asm.Instructions, s *ebpf.ProgramSpec, kernel *btf.Spec, types *btf.Builder) error {
	var relos []*btf.CORERelocation
	var at []int
	for i := range insns {
		if r := btf.CORERelocationMetadata(&insns[i]); r != nil {
			relos, at = append(relos, r), append(at, i)
		}
	}
	if len(relos) == 0 {
		return nil
	}
	fixups, err := btf.CORERelocate(relos, []*btf.Spec{kernel}, s.ByteOrder, types.Add)
	if err != nil {
		return err
	}
	for i, f := range fixups {
		if err := f.Apply(&insns[at[i]]); err != nil {
			return fmt.Errorf("instruction %d: %w", at[i], err)
		}
	}
	return nil
}

// progAttr begins union bpf_attr for BPF_PROG_LOAD.
type progAttr struct {
	kind, count                   uint32
	insns, license                uint64
	logLevel, logSize             uint32
	log                           uint64
	version, flags                uint32
	name                          [16]byte
	ifindex, attachType           uint32
	btf, funcSize                 uint32
	funcs                         uint64
	funcCount, lineSize           uint32
	lines                         uint64
	lineCount, attachID, attachFD uint32
	_                             uint32
}

// progLoad is BPF_PROG_LOAD, with the verifier's log where it refuses.
func progLoad(s *ebpf.ProgramSpec, code, funcs, lines []byte, types int, target uint32) (int, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	pointer := func(b []byte) uint64 {
		if len(b) == 0 {
			return 0
		}
		pin.Pin(&b[0])
		return address(&b[0])
	}
	a := &progAttr{kind: uint32(s.Type), count: uint32(len(code) / asm.InstructionSize), insns: pointer(code),
		license: pointer(append([]byte(s.License), 0)), flags: s.Flags, attachType: uint32(s.AttachType), btf: uint32(types),
		funcs: pointer(funcs), funcSize: btf.FuncInfoSize, funcCount: uint32(len(funcs)) / btf.FuncInfoSize,
		lines: pointer(lines), lineSize: btf.LineInfoSize, lineCount: uint32(len(lines)) / btf.LineInfoSize, attachID: target}
	copy(a.name[:len(a.name)-1], s.Name)
	fd, err := bpf(bpfProgLoad, unsafe.Pointer(a), unsafe.Sizeof(*a))
	if err == nil || errors.Is(err, unix.EPERM) {
		return fd, err
	}
	log := make([]byte, 1<<20)
	a.log, a.logSize, a.logLevel = pointer(log), uint32(len(log)), 1
	if fd, err = bpf(bpfProgLoad, unsafe.Pointer(a), unsafe.Sizeof(*a)); err == nil {
		return fd, nil
	}
	text := strings.TrimRight(unix.ByteSliceToString(log), "\n")
	return 0, &ebpf.VerifierError{Cause: err, Log: strings.Split(text, "\n")}
}
