package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/docs"
	"github.com/whistler-lang/whistler/internal/source"
)

// withoutExample are the diagnostics that no source alone shows, and why.
var withoutExample = map[string]string{
	"not-text":            "the page is text",
	"include-cycle":       "wants two files",
	"bad-define":          "comes from the command line",
	"no-tracefs":          "depends on the machine",
	"no-btf":              "depends on the machine",
	"target-kernel":       "comes from the command line",
	"target-arch":         "comes from the command line",
	"verifier":            "would be a gap in the compiler",
	"bug":                 "would be a bug",
	"uninitialized-stack": "the forms zero what they allocate",
}

// smallKernel has a few types and no tracepoint, on every machine.
type smallKernel struct{}

func (smallKernel) BTF() ([]byte, error) { return os.ReadFile("../../testdata/kernel/kernel.btf") }

func (smallKernel) Tracepoint(string, string) ([]whistler.TraceField, error) {
	return nil, os.ErrNotExist
}

func diagnose(text string) source.List {
	r, err := whistler.Compile(context.Background(), []whistler.Source{{Name: "example.lisp", Text: text}}, whistler.Options{Kernel: smallKernel{}})
	l := source.AsList(err)
	if r != nil {
		l = append(l, r.Warnings()...)
	}
	return l
}

// TestErrorsPage compiles the examples of docs/errors.md: the wrong ones get
// their code, the right ones nothing.
func TestErrorsPage(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range docs.Diagnostics() {
		if seen[d.Code] {
			t.Errorf("%s stands twice", d.Code)
		}
		seen[d.Code] = true
		if d.Text == "" {
			t.Errorf("%s says nothing", d.Code)
		}
		if why := withoutExample[d.Code]; (why != "") == (d.Wrong != "" && d.Right != "") {
			t.Errorf("%s: examples: %v; a reason for none: %q", d.Code, d.Wrong != "" && d.Right != "", why)
		}
		if d.Wrong != "" {
			codes := map[string]bool{}
			l := diagnose(d.Wrong)
			for _, e := range l {
				codes[e.Code] = true
			}
			if !codes[d.Code] {
				t.Errorf("the wrong example of %s gives %v:\n%s\n%v", d.Code, codes, d.Wrong, l)
			}
		}
		if d.Right != "" {
			for _, e := range diagnose(d.Right) {
				t.Errorf("the right example of %s:\n%s\n%s", d.Code, d.Right, e.Render(source.Style{}))
			}
		}
	}
	for code := range withoutExample {
		if !seen[code] {
			t.Errorf("docs/errors.md lacks %s", code)
		}
	}
}

// codeInGo and codeInLisp find where sources name the code of a diagnostic.
var (
	codeInGo   = regexp.MustCompile(`(?:WithCode\(|\.coded\(|\bCode(?: ==?|:) |e\.Code = "[A-Z-]+", |\bfacts\.\w+: +\{|"[A-Z]+-(?:ERROR|ZERO)": )"([a-z-]+)"`)
	codeInLisp = regexp.MustCompile(`(?s)\(%(?:fail|warn) .*?[^\\]"\s*(?:nil\s+)*"([a-z]+(?:-[a-z]+)+)"\)`)
)

// TestErrorsPageComplete looks for codes in the compiler that docs/errors.md
// does not describe, and the other way round.
func TestErrorsPageComplete(t *testing.T) {
	used := map[string]string{"unused-map": "internal/lang/warnings.go", "unused-subprogram": "internal/lang/warnings.go",
		"unbound-variable": "internal/lisp/cond.go", "undefined-function": "internal/lisp/cond.go"}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		re := map[string]*regexp.Regexp{".go": codeInGo, ".lisp": codeInLisp}[filepath.Ext(path)]
		if err != nil || re == nil || strings.HasSuffix(path, "_test.go") || re == codeInLisp && !strings.Contains(path, "prelude") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range re.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for _, d := range docs.Diagnostics() {
		described[d.Code] = true
		if used[d.Code] == "" {
			t.Errorf("docs/errors.md describes %s, which nothing uses", d.Code)
		}
	}
	var missing []string
	for code, path := range used {
		if !described[code] {
			missing = append(missing, code+" ("+path+")")
		}
	}
	sort.Strings(missing)
	if len(missing) > 0 {
		t.Error("docs/errors.md lacks", strings.Join(missing, ", "))
	}
}

// TestExplain checks the command itself.
func TestExplain(t *testing.T) {
	var out, errs strings.Builder
	a := &app{out: &out, err: &errs}
	for code, want := range map[string]string{"null-dereference": "wrong:\n", "[unknown-map]": "right:\n", "": "unknown-map"} {
		out.Reset()
		if err := (&explainCmd{Code: code}).Run(a); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v\n%s", code, err, out.String())
		}
	}
	err := (&explainCmd{Code: "unknwon-map"}).Run(a)
	if err == nil || !strings.Contains(err.Error(), "did you mean `unknown-map`?") {
		t.Error(err)
	}
}
