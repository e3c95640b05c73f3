package difftest

import (
	"math/rand"
	"testing"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/load"
)

// TestFixedRandom mends random programs that are wrong near the edge: each is
// mended within a few steps, or not at all, and the kernel loads what is.
func TestFixedRandom(t *testing.T) {
	NeedKernel(t)
	r := rand.New(rand.NewSource(*seed))
	o := compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64", Kernel: exampleKernel{}}}
	wrong, mended := 0, 0
	for range 200 {
		g := &near{r: rand.New(rand.NewSource(r.Int63()))}
		src := g.program()
		was, steps, bad := src, 0, false
		for ; steps < 20; steps++ {
			f := source.NewFile("random.lisp", src)
			_, said := compile.Compile([]*source.File{f}, o)
			if bad = bad || len(said.Errors()) > 0; len(said.Errors()) == 0 {
				break
			}
			e := compile.Mend([]*source.File{f}, said, o, true)
			if e == nil {
				break
			}
			src = e.Fixes[0].Apply(f)
		}
		u, err := compileWith("random.lisp", src, nil, o.Options)
		if steps == 20 {
			t.Errorf("no end of mending:\n%s\n%s", was, src)
		}
		if bad {
			wrong++
		}
		if err != nil || !bad {
			continue
		}
		mended++
		coll, err := load.Open(u.Result.Object)
		if err != nil {
			t.Errorf("mended, and the kernel refuses it: %v\n%s\n%s", err, was, src)
			continue
		}
		coll.Close()
	}
	if t.Logf("%d of %d wrong programs are mended", mended, wrong); 3*mended < wrong {
		t.Error("those are few")
	}
}
