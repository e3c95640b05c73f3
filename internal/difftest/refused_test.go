package difftest

import (
	"errors"
	"github.com/whistler-lang/whistler/internal/lang"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/load"
)

// TestRefused loads the cases of internal/compile/testdata/wrong, compiled
// without the flow analysis: the kernel has to refuse each program that the
// analysis calls an error.
func TestRefused(t *testing.T) {
	NeedKernel(t)
	files, _ := filepath.Glob("../compile/testdata/wrong/*.lisp")
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(text), "\n;;;; ")
		for _, own := range parts[1:] {
			name, own, _ := strings.Cut(own, "\n")
			if !strings.Contains(own, "; ERROR") {
				continue
			}
			n++
			u, err := compileWith(name, parts[0]+"\n"+own, map[string]bool{"facts": true}, lang.Options{CPU: 3, Arch: "amd64", Kernel: exampleKernel{}})
			if err != nil {
				t.Errorf("%s, %s: %v", file, name, err)
				continue
			}
			coll, err := load.Open(u.Result.Object)
			if err == nil {
				coll.Close()
				t.Errorf("%s, %s: the kernel accepts it", file, name)
				continue
			}
			var r *load.Refusal
			if !errors.As(err, &r) {
				t.Errorf("%s, %s: not refused by the verifier: %v", file, name, err)
			}
		}
	}
	t.Logf("the kernel refuses %d programs", n)
}
