package prelude

import (
	"slices"
	"testing"
)

// TestNames demands that every file here is read.
func TestNames(t *testing.T) {
	entries, err := files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(Names, e.Name()) {
			t.Errorf("%s is not in Names", e.Name())
		}
	}
	if len(entries) != len(Names) {
		t.Errorf("%d files, %d names", len(entries), len(Names))
	}
}
