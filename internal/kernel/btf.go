package kernel

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
)

// VmlinuxBTF is where a kernel shows its own types.
const VmlinuxBTF = "/sys/kernel/btf/vmlinux"

// A Machine answers what sources ask of a kernel: by default of the running
// one.
type Machine struct {
	Dir  string // of the tracing files; "" looks for them
	File string // with the kernel's BTF, raw or in an ELF file; "" is the running kernel's
}

// Tracepoint reads the format of an event.
func (m Machine) Tracepoint(category, event string) ([]Field, error) {
	return Tracefs{m.Dir}.Tracepoint(category, event)
}

// BTF reads the kernel's types. What it gives may not be written to.
func (m Machine) BTF() ([]byte, error) {
	name := m.File
	if name == "" {
		name = VmlinuxBTF
		if blob := running(); blob != nil {
			return blob, nil
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, fmt.Errorf("%s is a directory", name)
	}
	const limit = 1 << 30
	if st.Size() > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, fmt.Errorf("%s is too short", name)
	}
	if bytes.Equal(head, []byte(elf.ELFMAG)) {
		return section(f, name)
	}
	// The size is known: one allocation.
	blob := make([]byte, st.Size())
	n, err := f.ReadAt(blob, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return blob[:n], nil
}

// section gives the .BTF of an ELF file, such as a vmlinux with debug
// information.
func section(f *os.File, name string) (blob []byte, err error) {
	defer func() {
		if r := recover(); r != nil { // debug/elf on hostile files
			err = fmt.Errorf("%s is a malformed ELF file", name)
		}
	}()
	e, err := elf.NewFile(f)
	if err != nil {
		return nil, fmt.Errorf("%s is a malformed ELF file: %v", name, err)
	}
	s := e.Section(".BTF")
	if s == nil {
		return nil, fmt.Errorf("%s has no .BTF section", name)
	}
	return s.Data()
}
