package lang

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
)

// fakeKernel answers for one tracepoint, so that tests need no machine.
type fakeKernel struct{}

func (fakeKernel) BTF() ([]byte, error) { return os.ReadFile("../../testdata/kernel/kernel.btf") }

func (fakeKernel) Tracepoint(category, event string) ([]TraceField, error) {
	if category != "sched" || event != "sched_wakeup" {
		return nil, fmt.Errorf("no such event")
	}
	return []TraceField{{Name: "comm", Offset: 8, Size: 16, Count: 16}, {Name: "pid", Offset: 24, Size: 4, Signed: true},
		{Name: "file", Offset: 28, Size: 4, DataLoc: true}}, nil
}

var wanted = regexp.MustCompile(`; ERROR(?: (\d+):)? "(.*)"$`)

// TestErrors runs testdata/errors/*.lisp: each error stands where a comment
// `; ERROR col: "regexp"` says, in the same line, and there are no others.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.lisp")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// The comments must not change what the reader sees.
		want := map[int][]string{}
		for i, line := range strings.Split(string(text), "\n") {
			if m := wanted.FindStringSubmatch(line); m != nil {
				want[i+1] = append(want[i+1], m[1]+"\x00"+m[2])
				n++
			}
		}
		_, errs := Lower([]*source.File{source.NewFile(filepath.Base(file), string(text))}, Options{CPU: 3, Arch: "amd64", Kernel: fakeKernel{}})
		for _, e := range errs.Errors() {
			line, col := e.Pos.LineCol()
			found := false
			for i, w := range want[line] {
				c, re, _ := strings.Cut(w, "\x00")
				if (c == "" || c == fmt.Sprint(col)) && regexp.MustCompile(re).MatchString(e.What) {
					want[line] = append(want[line][:i:i], want[line][i+1:]...)
					found = true
					break
				}
			}
			if !found {
				t.Errorf("%s: not wanted:\n%s", file, e.Render(source.Style{}))
			}
			if e.Code == "" {
				t.Errorf("%s:%d: the error %q has no code", file, line, e.What)
			}
			if e.Severity == source.SevBug {
				t.Errorf("%s:%d: a bug of the compiler", file, line)
			}
		}
		for line, ws := range want {
			for _, w := range ws {
				t.Errorf("%s:%d: no error %q", file, line, w)
			}
		}
	}
	t.Logf("%d errors", n)
}

// TestNoProgram checks that an empty source is an error.
func TestNoProgram(t *testing.T) {
	_, errs := Lower([]*source.File{source.NewFile("a.lisp", "; nothing\n")}, Options{CPU: 3})
	if len(errs) != 1 || !strings.Contains(errs[0].What, "no program") {
		t.Errorf("got %v", errs)
	}
}

// TestDeepSources checks that hostile nesting is an error, not a crash.
func TestDeepSources(t *testing.T) {
	for _, src := range []string{
		"(defprog p () " + strings.Repeat("(+ 1 ", 100000) + strings.Repeat(")", 100000) + ")",
		"(defprog p () " + strings.Repeat("(+ 1 ", 2900) + "1" + strings.Repeat(")", 2900) + ")",
		"(defmacro m (x) `(m (m ,x))) (defprog p () (m 1))",
		"(defmacro m (x) `(+ 1 (m ,x))) (defprog p () (m 1))",
		strings.Repeat("(", 100000),
		"(defprog p () (let ((x 1)) " + strings.Repeat("(when x ", 2000) + "1" + strings.Repeat(")", 2000) + "))",
	} {
		_, errs := Lower([]*source.File{source.NewFile("deep.lisp", src)}, Options{CPU: 3})
		for _, e := range errs {
			if e.Severity == source.SevBug {
				t.Errorf("a bug for %.60q: %v", src, e)
			}
		}
	}
}

// FuzzLower gives the compiler any text: errors are fine, a panic is not.
func FuzzLower(f *testing.F) {
	files, _ := filepath.Glob("../../examples/*.lisp")
	for _, file := range append(files, "testdata/errors/forms.lisp") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, errs := Lower([]*source.File{source.NewFile("fuzz.lisp", text)}, Options{CPU: 3, Arch: "amd64", Kernel: fakeKernel{}, MaxSteps: 100000, MaxCells: 1000000})
		for _, e := range errs {
			if e.Severity == source.SevBug {
				t.Fatalf("%s", e.Render(source.Style{}))
			}
		}
	})
}
