package kernel

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// running is the running kernel's BTF, as it stands in the kernel's memory:
// from Linux 6.16 on the file can be mapped, which takes neither a copy nor
// the pages for one. nil where it cannot.
var running = sync.OnceValue(func() []byte {
	f, err := os.Open(VmlinuxBTF)
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || st.Size() <= 0 || st.Size() > 1<<30 {
		return nil
	}
	blob, err := syscall.Mmap(int(f.Fd()), 0, int(st.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	go touch(blob)
	return blob
})

// touch comes by all pages of b, from its end on, while others read it from its
// start: under a hypervisor the first touch of each may cost a microsecond or two,
// of which another processor can take its share.
func touch(b []byte) {
	sum := byte(0)
	for i := len(b) - 1; i >= 0; i -= 4 << 10 {
		sum += b[i]
	}
	touched.Store(uint32(sum))
}

var touched atomic.Uint32 // a variable, for touch to have a result
