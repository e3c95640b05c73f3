package live

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/whistler-lang/whistler/internal/user"
)

// onCPU runs f on a processor.
func onCPU(cpu int, f func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return err
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return &user.Unsupported{What: fmt.Sprintf("this machine lets nobody run on processor %d", cpu)}
	}
	defer unix.SchedSetaffinity(0, &old)
	f()
	return nil
}
