// Package archtest keeps the map in docs/architecture.md true.
package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// allowed is the map of the compiler: each package, and all it may import
// from this module. Read top to bottom it follows a program from text to
// kernel. Adding a line here is a design decision; say why in the commit.
const allowed = `
	internal/source:    -
	internal/abi:       -
	internal/abi/gen:   -
	internal/types:     internal/source
	internal/slab:      -
	internal/sexp:      internal/slab internal/source
	internal/lisp:      internal/slab internal/source internal/sexp
	internal/prelude:   internal/source
	internal/ir:        internal/slab internal/source internal/types
	internal/ir/facts:  internal/source internal/abi internal/ir
	internal/sim:       internal/abi
	internal/ir/interp: internal/abi internal/ir internal/sim
	internal/lang:      internal/slab internal/source internal/abi internal/bpf internal/btf internal/types internal/sexp internal/lisp internal/prelude internal/ir
	internal/opt:       internal/slab internal/source internal/abi internal/sexp internal/ir
	internal/regalloc:  internal/slab internal/source internal/ir
	internal/bpf:       internal/source
	internal/bpf/vm:    internal/abi internal/bpf internal/ir internal/sim
	internal/machine:   internal/slab internal/source internal/abi internal/types internal/bpf
	internal/emit:      internal/slab internal/source internal/ir internal/regalloc internal/bpf internal/machine
	internal/btf:       internal/types
	internal/obj:       internal/slab internal/abi internal/bpf internal/btf internal/types
	internal/needs:     internal/abi internal/bpf
	internal/fix:       internal/source internal/sexp internal/ir/facts
	internal/compile:   internal/fix internal/needs internal/source internal/types internal/abi internal/btf internal/ir internal/ir/facts internal/lang internal/opt internal/regalloc internal/emit internal/bpf internal/obj
	.:                  internal/abi internal/source internal/lang internal/compile
	internal/packet:    internal/abi
	internal/gen:       internal/abi internal/lang internal/compile internal/types
	internal/indent:    internal/source internal/sexp internal/lang
	internal/user:     internal/source internal/abi internal/types internal/sexp internal/lisp internal/prelude internal/lang internal/ir internal/ir/interp internal/bpf internal/bpf/vm internal/sim internal/obj internal/compile internal/packet
	internal/user/live: internal/abi internal/packet internal/types internal/lang internal/compile internal/user load
	internal/repl:      . internal/source internal/btf internal/sexp internal/lang internal/compile internal/user
	whistlertest:       . internal/source internal/compile internal/user internal/user/live

	internal/kernel:    internal/lang
	internal/warm:      -
	internal/superopt:  internal/source internal/ir internal/lang internal/opt internal/compile
	internal/e2e:       -
	internal/mutants:   -
	internal/hooks:     internal/kernel load
	internal/matrix:    . internal/hooks internal/kernel
	internal/matrix/guest: internal/hooks internal/matrix
	internal/difftest:  docs internal/packet internal/abi internal/bpf internal/bpf/vm internal/compile internal/ir internal/ir/interp internal/lang internal/machine internal/obj internal/sim internal/source load
	load:               -
	docs:               -
	bench:              -
	cmd/whistler:       . docs internal/source internal/abi internal/bpf internal/bpf/vm internal/ir internal/lang internal/sexp internal/kernel internal/needs internal/sim internal/compile internal/gen internal/indent internal/repl internal/user internal/user/live internal/warm load
`

// pure packages turn bytes into bytes: the same answer on every machine.
const (
	pure = " internal/source internal/abi internal/types internal/slab internal/sexp internal/lisp internal/prelude internal/ir internal/sim" +
		" internal/ir/interp internal/ir/facts internal/lang internal/opt internal/regalloc internal/bpf internal/bpf/vm internal/machine internal/emit internal/btf" +
		" internal/obj internal/needs internal/fix internal/compile internal/gen internal/indent internal/packet internal/user . "
	impure = " os os/exec os/signal syscall net time math/rand math/rand/v2 runtime "
)

func TestImports(t *testing.T) {
	may := map[string]string{"internal/archtest": ""}
	for _, line := range strings.Split(strings.TrimSpace(allowed), "\n") {
		if name, deps, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			may[name] = " " + strings.Join(strings.Fields(deps), " ") + " "
		}
	}
	has := func(list, s string) bool { return strings.Contains(list, " "+s+" ") }
	seen := map[string]bool{}
	root := filepath.Join("..", "..")

	// Reading the files ourselves, rather than asking go list, lets the
	// test cache notice when they change.
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
			return filepath.SkipDir
		}
		if d.IsDir() && path != root {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				return filepath.SkipDir // a module of its own
			}
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		from := filepath.ToSlash(rel)
		seen[from] = true
		list, known := may[from]
		if !known {
			t.Errorf("%s: package is not on the map", from)
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if has(pure, from) && has(impure, imp) {
				t.Errorf("%s imports %s: a pure package must not look at the machine", path, imp)
			}
			if has(pure, from) && strings.HasPrefix(imp, "github.com/cilium/") {
				t.Errorf("%s imports %s: the loader looks at the machine when its packages start", path, imp)
			}
			to, ours := strings.CutPrefix(imp, "github.com/whistler-lang/whistler")
			to = strings.TrimPrefix(to, "/")
			if to == "" {
				to = "."
			}
			if ours && !has(list, to) {
				t.Errorf("%s imports %s: not on the map", path, to)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range may {
		if name != "internal/archtest" && !seen[name] {
			t.Errorf("%s is on the map, but there is no such package", name)
		}
	}
}
