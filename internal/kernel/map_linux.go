package kernel

import (
	"os"
	"sync"
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
	return blob
})
