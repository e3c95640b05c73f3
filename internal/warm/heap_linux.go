package warm

import "unsafe"

const (
	page  = 8 << 10 // of Go's heap
	cache = 64      // pages that a processor sets aside for small blocks
	huge  = 2 << 20
	chunk = 4 << 20 // by which the heap grows
)

// heap has the kernel back the next part of the heap with huge pages: one fault
// in the place of 512. They must begin where a huge page can, so blocks that
// nobody touches, and which the first collection frees, fill the heap up to
// there and a chunk further: that makes the heap grow by two, and more is behind
// them.
//
// It relies on how Go's heap grows; where that is different, or the kernel
// does not give huge pages, nothing is lost but addresses.
func heap() {
	at := take(page)
	for i := 0; i < 2*cache && at/page%cache != cache-1; i++ {
		at = take(page)
	}
	end := at + 3*chunk
	skip := -(at+page)&(huge-1) + chunk
	at = take(skip+page) + skip // with a page behind it, for the heap to be there
	block = nil
	if at&(huge-1) == 0 {
		advise(at, end&^(chunk-1)-at, hugePage)
	}
}

var block []byte // a variable, for the blocks to be on the heap

func take(size uintptr) uintptr {
	block = make([]byte, size)
	return uintptr(unsafe.Pointer(unsafe.SliceData(block)))
}
