// Package whistlertest runs the tests that Lisp sources declare with deftest
// from Go's tests: without privileges, on every system, in the virtual
// machine; or in the kernel.
package whistlertest

import (
	"context"
	"io/fs"
	"path"
	"testing"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/user"
	"github.com/whistler-lang/whistler/internal/user/live"
)

// Options say how tests run.
type Options struct {
	Compile whistler.Options // ReadFile is by default that of the file system
	Kernel  bool             // run programs by the kernel's test runs, which needs root
}

// Run runs the tests of all sources in fsys, and below, each as a subtest
// that is called SOURCE/TEST. The tests of X.lisp are in it, and in
// X-test.lisp beside it.
func Run(t *testing.T, fsys fs.FS) {
	t.Helper()
	RunWith(t, fsys, Options{})
}

// RunWith is Run with options.
func RunWith(t *testing.T, fsys fs.FS, o Options) {
	t.Helper()
	files, err := user.Find(fsys, ".", true)
	if err != nil {
		t.Fatal(err)
	}
	any := false
	for _, f := range files {
		var sources []whistler.Source
		has := false
		for _, name := range f.Sources {
			text, err := fs.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			has = has || user.HasTests(string(text))
			sources = append(sources, whistler.Source{Name: path.Base(name), Text: string(text)})
		}
		if !has {
			continue
		}
		any = true
		co := o.Compile
		if co.ReadFile == nil {
			co.ReadFile = func(name string) ([]byte, error) { return fs.ReadFile(fsys, path.Join(path.Dir(f.Main), name)) }
		}
		t.Run(f.Main, func(t *testing.T) { run(t, sources, co, o.Kernel) })
	}
	if !any {
		t.Error("there are no tests: no source has a (deftest name form...)")
	}
}

func run(t *testing.T, sources []whistler.Source, o whistler.Options, kernel bool) {
	o.KeepLisp = true
	obj, err := whistler.Compile(context.Background(), sources, o)
	if err != nil {
		for _, e := range source.AsList(err) {
			t.Error(e.Render(source.Style{}))
		}
		t.Fatalf("%s does not compile", sources[0].Name)
	}
	so := user.Options{ReadFile: o.ReadFile, Kernel: o.Kernel, Arch: o.Arch}
	if kernel {
		so.NewHost = func(r *compile.Result) (user.Host, error) { return live.New(r) }
	}
	s := user.New(obj.Result(), so)
	for _, test := range s.Tests {
		t.Run(test.Name, func(t *testing.T) {
			r := s.Run(test)
			if r.Printed != "" {
				t.Log(r.Printed)
			}
			for _, e := range r.Failures {
				t.Error(e.Render(source.Style{}))
			}
			if r.Skipped != "" && len(r.Failures) == 0 {
				t.Skip(r.Skipped)
			}
		})
	}
}
