package difftest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

// TestStages compiles the programs of the benchmark, the examples and those of the
// original with a trace, which is when what a pass makes is verified behind each.
func TestStages(t *testing.T) {
	compiled := 0
	for _, dir := range []string{"bench/lisp", "examples", "testdata/original"} {
		files, _ := filepath.Glob(filepath.Join("../..", dir, "*.lisp"))
		if len(files) == 0 {
			t.Errorf("nothing is in %s", dir)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			include := func(name string) (*source.File, error) {
				text, err := os.ReadFile(filepath.Join(filepath.Dir(file), name))
				return source.NewFile(name, string(text)), err
			}
			stages := 0
			o := compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64", Include: include, Kernel: exampleKernel{}},
				Trace: func(_, _ string, what fmt.Stringer) { stages++ }}
			_, errs := compile.Compile([]*source.File{source.NewFile(filepath.Base(file), string(text))}, o)
			for _, e := range errs.Errors() { // others want another kernel, or are tests
				if e.Severity == source.SevBug {
					t.Error(e.Render(source.Style{}))
				}
			}
			if len(errs.Errors()) == 0 && stages > 5 {
				compiled++
			}
		}
	}
	if compiled < 50 {
		t.Errorf("only %d sources were compiled", compiled)
	}
	t.Logf("%d sources", compiled)
}
