package warm

import (
	"debug/elf"
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// TestText wants the mapping that is found to be the one of the executable's
// code, and all of it to be there afterwards.
func TestText(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	from, to := code()
	size := f.Section(".text").Size
	if uint64(to-from) < size || uint64(to-from) > size+1<<20 {
		t.Fatalf("the code is at %#x to %#x; .text has %#x bytes", from, to, size)
	}
	text()
	page := uintptr(os.Getpagesize())
	there := make([]byte, (to-from)/page)
	if _, _, no := syscall.Syscall(syscall.SYS_MINCORE, from, to-from, uintptr(unsafe.Pointer(&there[0]))); no != 0 {
		t.Skip("mincore: ", no)
	}
	for i, x := range there {
		if x&1 == 0 {
			t.Errorf("page %d of %d is not in memory", i, len(there))
			break
		}
	}
}
