package warm

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestTables wants what is populated to be memory that the runtime took for
// itself: it belongs to no file, and is not the heap or a stack.
func TestTables(t *testing.T) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	at, heap := uint64(tables()), uint64(take(page))
	for _, m := range regexp.MustCompile(`(?m)^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)(.*)$`).FindAllStringSubmatch(string(maps), -1) {
		from, _ := strconv.ParseUint(m[1], 16, 64)
		to, _ := strconv.ParseUint(m[2], 16, 64)
		if from <= at && at < to {
			if m[3] != "rw-p" || m[4] != "0" || from <= heap && heap < to {
				t.Errorf("the table of an interface is in %s", m[0])
			}
			return
		}
	}
	t.Errorf("nothing is at %#x", at)
}
