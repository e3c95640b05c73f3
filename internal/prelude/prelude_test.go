package prelude

import (
	"slices"
	"testing"
)

// TestNames wants every file in the list: one that is embedded and not
// listed would be missing from the language.
func TestNames(t *testing.T) {
	entries, err := files.ReadDir(".")
	if err != nil || len(entries) == 0 {
		t.Fatal("no files", err)
	}
	for _, e := range entries {
		if !slices.Contains(Names, e.Name()) {
			t.Errorf("%s is not in Names", e.Name())
		}
	}
	if len(Names) != len(entries) {
		t.Errorf("%d names for %d files", len(Names), len(entries))
	}
}
