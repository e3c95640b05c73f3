package warm

import "unsafe"

// text has the kernel map all of the program's code at once: one call in the
// place of a fault for every 64 kilobytes that are run. Before Linux 5.14
// nothing happens.
func text() {
	if from, to := code(); to > from {
		advise(from, to-from, populateRead)
	}
}

// What the kernel tells a process of itself (AT_ of <linux/auxvec.h>), and the
// program headers that it names (<linux/elf.h>).
const (
	auxHeaders     = 3 // AT_PHDR: where they are
	auxHeaderSize  = 4 // AT_PHENT
	auxHeaderCount = 5 // AT_PHNUM
	auxPage        = 6 // AT_PAGESZ

	segmentLoad    = 1 // PT_LOAD
	segmentHeaders = 6 // PT_PHDR
	executable     = 1 // PF_X
)

type header struct { // Elf64_Phdr
	kind, flags uint32
	_           uint64 // place in the file
	address     uint64
	_, _        uint64 // physical address, size in the file
	size        uint64
	_           uint64 // alignment
}

// code is where this process has its code, in whole pages; nothing if it is not
// told. /proc/self/maps says it too, but takes half a millisecond.
func code() (from, to uintptr) {
	at, size, count, moved := told(auxHeaders), told(auxHeaderSize), told(auxHeaderCount), uintptr(0)
	if at == 0 || size != unsafe.Sizeof(header{}) {
		return 0, 0
	}
	all := unsafe.Slice(*(**header)(unsafe.Pointer(&at)), count)
	page := pageSize()
	for i := range all {
		switch h := &all[i]; {
		case h.kind == segmentHeaders:
			moved = at - uintptr(h.address)
		case h.kind == segmentLoad && h.flags&executable != 0:
			from = moved + uintptr(h.address)
			return from &^ (page - 1), (from + uintptr(h.size) + page - 1) &^ (page - 1)
		}
	}
	return 0, 0
}
