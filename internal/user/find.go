package user

import (
	"io/fs"
	"path"
	"sort"
	"strings"
)

// A File is a source that has tests: in itself, or in a file beside it.
type File struct {
	Main    string   // X.lisp, or X-test.lisp where there is no X.lisp
	Sources []string // Main, and X-test.lisp
}

// Find lists the sources in a directory that may have tests, with those below
// it where all is true. Directories that are called testdata, or begin with a
// dot, are left out.
func Find(fsys fs.FS, dir string, all bool) (out []File, err error) {
	seen := map[string]bool{}
	err = fs.WalkDir(fsys, dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != dir && (!all || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !d.IsDir() && path.Ext(p) == ".lisp":
			if f := FileOf(fsys, p); !seen[f.Main] {
				seen[f.Main] = true
				out = append(out, f)
			}
		}
		return nil
	})
	sort.Slice(out, func(i, j int) bool { return out[i].Main < out[j].Main })
	return out, err
}

// FileOf is the source that a file belongs to, with its tests.
func FileOf(fsys fs.FS, p string) File {
	there := func(p string) bool {
		_, err := fs.Stat(fsys, p)
		return err == nil
	}
	if base, ok := strings.CutSuffix(p, "-test.lisp"); ok && there(base+".lisp") {
		p = base + ".lisp"
	}
	f := File{p, []string{p}}
	if beside := strings.TrimSuffix(p, ".lisp") + "-test.lisp"; !strings.HasSuffix(p, "-test.lisp") && there(beside) {
		f.Sources = append(f.Sources, beside)
	}
	return f
}

// HasTests reports whether a text may declare tests.
func HasTests(text string) bool { return strings.Contains(strings.ToLower(text), "(deftest") }
