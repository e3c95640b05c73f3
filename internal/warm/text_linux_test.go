package warm

import (
	"debug/elf"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestConstants compares what the package says of the kernel with the libraries'
// definitions, which would have to be initialised before it.
func TestConstants(t *testing.T) {
	known := 0
	files, _ := filepath.Glob(filepath.Join(build.Default.GOROOT, "src/syscall/zsysnum_linux_*.go"))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		arch := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), "zsysnum_linux_"), ".go")
		m := regexp.MustCompile(`\bSYS_MADVISE\s*=\s*(\d+)`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s has no SYS_MADVISE", name)
		}
		if n := madvise(arch); n != 0 {
			if known++; fmt.Sprint(n) != string(m[1]) {
				t.Errorf("madvise is %d on %s, not %s", n, arch, m[1])
			}
		}
	}
	if known < 4 {
		t.Errorf("%d numbers of madvise are compared, in %d files", known, len(files))
	}
	if hugePage != unix.MADV_HUGEPAGE || populateWrite != unix.MADV_POPULATE_WRITE || pageSize() != uintptr(os.Getpagesize()) {
		t.Error("a constant is not the kernel's")
	}
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

// TestFirst wants the package to be initialised before those that it makes ready
// for: it may import nothing that has to be initialised itself.
func TestFirst(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal("no files: ", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if path, _ := strconv.Unquote(i.Path.Value); path != "unsafe" && path != "runtime" {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
