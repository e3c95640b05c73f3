package warm

import (
	"syscall"
	"unsafe"
)

const (
	page  = 8 << 10 // of Go's heap
	cache = 64      // pages that a processor sets aside for small blocks
	huge  = 2 << 20
	chunk = 4 << 20 // by which the heap grows
)

// heap has the kernel back the next part of the heap with huge pages: one fault
// in the place of 512. They must begin where a huge page can, so blocks that
// nobody touches, and which the first collection frees, fill the heap up to
// there, or a chunk further, for more to be behind it.
//
// It relies on how Go's heap grows; where that is different, or the kernel
// does not give huge pages, nothing is lost but addresses.
func heap(further bool) {
	at := take(page)
	for i := 0; i < 2*cache && at/page%cache != cache-1; i++ {
		at = take(page)
	}
	skip := -(at + page) & (huge - 1)
	end := at + page + skip + chunk
	if further {
		end = at + 3*chunk // the block grows the heap by two
		skip += chunk
	}
	at = take(skip+page) + skip // with a page behind it, for the heap to be there
	block = nil
	if at&(huge-1) == 0 {
		syscall.Syscall(syscall.SYS_MADVISE, at, end&^(chunk-1)-at, syscall.MADV_HUGEPAGE)
	}
}

var block []byte // a variable, for the blocks to be on the heap

func take(size uintptr) uintptr {
	block = make([]byte, size)
	return uintptr(unsafe.Pointer(unsafe.SliceData(block)))
}
