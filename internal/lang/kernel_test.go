package lang

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
)

// endless is a kernel whose types end in one of a kind that nobody knows.
type endless struct{ fakeKernel }

func (endless) BTF() ([]byte, error) {
	blob, err := os.ReadFile("../../testdata/kernel/kernel.btf")
	if err != nil {
		return nil, err
	}
	hdr, n, strs := binary.LittleEndian.Uint32(blob[4:]), binary.LittleEndian.Uint32(blob[12:]), binary.LittleEndian.Uint32(blob[16:])
	long := append([]byte(nil), blob[:hdr]...)
	for range 80 { // more than are walked at once
		long = append(long, blob[hdr:hdr+n]...)
	}
	bad := len(long)
	long = append(long, blob[hdr:hdr+n]...)
	long[bad+7] = 31
	size := uint32(len(long)) - hdr
	binary.LittleEndian.PutUint32(long[12:], size)
	binary.LittleEndian.PutUint32(long[16:], size)
	return append(long, blob[hdr+strs:]...), nil
}

// TestMalformedTypes wants to be told of them where something is missed, and not
// of what is missed.
func TestMalformedTypes(t *testing.T) {
	for name, want := range map[string]string{"task-struct": "", "no-such-struct": "malformed BTF"} {
		_, errs := Lower([]*source.File{source.NewFile("k.lisp", "(import-kernel-struct "+name+" pid)")}, Options{CPU: 3, Arch: "amd64", Fragment: true, Kernel: endless{}})
		if errs = errs.Errors(); want == "" {
			if len(errs) > 0 {
				t.Errorf("%s: %v", name, errs)
			}
		} else if len(errs) != 1 || errs[0].Code != "no-btf" || !strings.Contains(errs[0].What, want) || !errs[0].Pos.Known() {
			t.Errorf("%s: %v", name, errs)
		}
	}
}
