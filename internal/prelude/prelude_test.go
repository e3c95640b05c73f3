package prelude

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
)

// TestFiles wants every file in the list: one that is not would be missing
// from the language.
func TestFiles(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lisp") {
			continue
		}
		n++
		if !slices.ContainsFunc(Files(), func(f *source.File) bool { return f.Name == "prelude/"+e.Name() }) {
			t.Errorf("%s is not in Files", e.Name())
		}
	}
	if len(Files()) != n {
		t.Errorf("%d files in the list, %d here", len(Files()), n)
	}
}
