package difftest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/load"
)

// TestFixed loads what the fixes make of the wrong programs of internal/compile:
// where the compiler has nothing more to say, the kernel has not either.
func TestFixed(t *testing.T) {
	NeedKernel(t)
	files, _ := filepath.Glob("../compile/testdata/wrong/*.lisp")
	more, _ := filepath.Glob("../compile/testdata/language/*.lisp")
	o := compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64", Kernel: exampleKernel{}}}
	n := 0
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(text), "\n;;;; ")
		for _, own := range parts[1:] {
			name, own, _ := strings.Cut(own, "\n")
			src, fixes := parts[0]+"\n"+own, 0
			for ; fixes < 20; fixes++ {
				f := source.NewFile(name, src)
				r, said := compile.Compile([]*source.File{f}, o)
				if r != nil {
					said = r.Warnings
				}
				e := compile.Mend([]*source.File{f}, said, o, true)
				if e == nil {
					break
				}
				src = e.Fixes[0].Apply(f)
			}
			u, err := compileWith(name, src, nil, o.Options)
			if err != nil || fixes == 0 {
				continue // nothing mends it: TestMend of internal/compile knows which
			}
			coll, err := load.Open(u.Result.Object)
			if err != nil && strings.Contains(err.Error(), "failed to find the address for kernel symbol") {
				continue // of the kernel of testdata/kernel
			}
			n++
			if err != nil {
				t.Errorf("%s, %s: mended, and the kernel refuses it: %v\n%s", file, name, err, src)
				continue
			}
			coll.Close()
		}
	}
	if t.Logf("the kernel loads %d mended programs", n); n < 130 {
		t.Error("those were more")
	}
}
