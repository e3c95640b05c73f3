package indent

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

var show = flag.Bool("show", false, "print the lines that would change")

func indented(t *testing.T, name, text string) string {
	t.Helper()
	bodies, err := For(source.NewFile(name, text))
	if err != nil {
		t.Fatal(err)
	}
	return Source(text, bodies)
}

// read is what the reader sees of text.
func read(t *testing.T, name, text string) string {
	t.Helper()
	var out string
	for _, f := range []sexp.Features{{}, {"WHISTLER": true, "LINUX": true}} {
		forms, errs := sexp.ReadAll(source.NewFile(name, text), sexp.NewTable(nil), f)
		if len(errs) > 0 {
			t.Fatalf("%s: %v", name, errs)
		}
		for _, form := range forms {
			out += sexp.Print(form.V) + "\n"
		}
	}
	return out
}

// comments are the lines without the white space around them and the blanks
// at the ends.
func comments(text string) string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		out = append(out, strings.TrimSpace(l))
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// TestSources indents all sources here, and damaged ones: nothing that is
// read changes, no comment and no blank line, and doing it again changes
// nothing.
func TestSources(t *testing.T) {
	var files []string
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".lisp") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 100 {
		t.Fatal(len(files), err)
	}
	lines, changed, read1 := 0, 0, 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if _, errs := sexp.ReadAll(source.NewFile(name, text), sexp.NewTable(nil), sexp.Features{}); len(errs) > 0 {
			continue // wrong on purpose
		}
		read1++
		once := indented(t, name, text)
		if read(t, name, once) != read(t, name, text) {
			t.Errorf("%s: reads otherwise", name)
		}
		if comments(once) != comments(text) {
			t.Errorf("%s: lines are not the same", name)
		}
		if again := indented(t, name, once); again != once {
			t.Errorf("%s: changes again", name)
		}
		a, b := strings.Split(text, "\n"), strings.Split(once, "\n")
		for i := range min(len(a), len(b)) {
			lines++
			if a[i] != b[i] {
				changed++
				if *show {
					t.Logf("%s:%d\n-%s\n+%s", name, i+1, a[i], b[i])
				}
			}
		}
	}
	t.Logf("%d sources, %d lines, %d would change", read1, lines, changed)
}

func TestIndent(t *testing.T) {
	text, err := os.ReadFile("testdata/indent.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range strings.Split(string(text), "\n====\n") {
		in, want, _ := strings.Cut(c, "\n=>\n")
		got := indented(t, "x", in+"\n")
		if got != strings.TrimSuffix(want, "\n")+"\n" {
			t.Errorf("of\n%s\nthis\n%s\nwant\n%s", in, got, want)
		}
	}
}
