package warm

import (
	"debug/elf"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestConstants compares what text reads with the libraries' definitions, which
// would have to be initialised before it.
func TestConstants(t *testing.T) {
	if segmentLoad != elf.PT_LOAD || segmentHeaders != elf.PT_PHDR || executable != elf.PF_X || populateRead != unix.MADV_POPULATE_READ {
		t.Error("a constant is not the kernel's")
	}
	var h header
	if unsafe.Sizeof(h) != unsafe.Sizeof(elf.Prog64{}) || unsafe.Offsetof(h.address) != unsafe.Offsetof(elf.Prog64{}.Vaddr) || unsafe.Offsetof(h.size) != unsafe.Offsetof(elf.Prog64{}.Memsz) {
		t.Error("a program header is not laid out as the kernel's")
	}
}

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
		t.Fatal("mincore: ", no)
	}
	for i, x := range there {
		if x&1 == 0 {
			t.Errorf("page %d of %d is not in memory", i, len(there))
			break
		}
	}
}
