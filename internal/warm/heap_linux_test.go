package warm

import (
	"os"
	"regexp"
	"testing"
)

// TestHeap wants a part of the heap to be marked for huge pages. A try may
// fail, where the goroutine is moved to another processor in the midst of it.
func TestHeap(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil {
		t.Skip("this kernel has no huge pages: ", err)
	}
	marked := regexp.MustCompile(`(?m)^VmFlags:.* hg\b`)
	for range 50 {
		maps, err := os.ReadFile("/proc/self/smaps")
		if err != nil {
			t.Skip(err)
		}
		if marked.Match(maps) {
			return
		}
		heap()
	}
	t.Error("no part of the heap is marked for huge pages")
}
