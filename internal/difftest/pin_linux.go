package difftest

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// pinned runs f on one processor, always the same, so that per-CPU values of
// several runs meet. Where that is not allowed it just runs f.
func pinned(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old, one unix.CPUSet
	if unix.SchedGetaffinity(0, &old) == nil {
		for cpu := range len(old) * 64 {
			if old.IsSet(cpu) {
				one.Set(cpu)
				break
			}
		}
		if unix.SchedSetaffinity(0, &one) == nil {
			defer unix.SchedSetaffinity(0, &old)
		}
	}
	f()
}
