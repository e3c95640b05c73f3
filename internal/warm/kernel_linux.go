package warm

import (
	"runtime"
	_ "unsafe" // for linkname
)

// Package syscall has what is here, and many packages before it that have to be
// initialised: what they touch is to be warm too. The numbers are compared with
// its own in the tests.

// Advice of <linux/mman.h>.
const (
	hugePage      = 14 // MADV_HUGEPAGE
	populateRead  = 22 // MADV_POPULATE_READ
	populateWrite = 23 // MADV_POPULATE_WRITE
)

// madvise is the number of the system call, SYS_MADVISE of the architecture's
// <asm/unistd.h>; 0 where nobody has looked.
func madvise(arch string) uintptr {
	switch arch {
	case "amd64":
		return 28
	case "arm64", "riscv64", "loong64":
		return 233
	}
	return 0
}

// advise tells the kernel about a part of the memory. It may refuse to hear.
func advise(at, size, what uintptr) {
	if n := madvise(runtime.GOARCH); n != 0 {
		rawSyscall(n, at, size, what)
	}
}

// pageSize is the size of the kernel's pages.
func pageSize() uintptr { return told(auxPage) }

// told gives what the kernel told this process under a number, 0 if nothing.
func told(what uintptr) uintptr {
	for aux := auxv(); len(aux) >= 2; aux = aux[2:] {
		if aux[0] == what {
			return aux[1]
		}
	}
	return 0
}

// rawSyscall is syscall.RawSyscall, which that package promises to others.
//
//go:linkname rawSyscall syscall.RawSyscall
func rawSyscall(number, a, b, c uintptr) (r1, r2, errno uintptr)

// auxv is runtime.getAuxv, which the runtime promises to packages outside of
// the standard library.
//
//go:linkname auxv runtime.getAuxv
func auxv() []uintptr
