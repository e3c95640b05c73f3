package user

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

var update = flag.Bool("update", false, "write the results into the files")

// fakeKernel has one tracepoint.
type fakeKernel struct{}

func (fakeKernel) Tracepoint(category, event string) ([]lang.TraceField, error) {
	if category != "sched" || event != "started" {
		return nil, os.ErrNotExist
	}
	return []lang.TraceField{{Name: "comm", Offset: 8, Size: 16, Count: 16}, {Name: "pid", Offset: 24, Size: 4, Signed: true},
		{Name: "file", Offset: 28, Size: 4, DataLoc: true}, {Name: "arg", Offset: 32, Size: 8}}, nil
}

func (fakeKernel) BTF() ([]byte, error) { return os.ReadFile("../../testdata/kernel/kernel.btf") }

// prepare compiles a text for its tests.
func prepare(t *testing.T, name, text string, cover bool) *Suite {
	t.Helper()
	lowered := map[string]*ir.Func{}
	o := compile.Options{Options: lang.Options{CPU: 3, Arch: "amd64", Kernel: fakeKernel{}}, KeepLisp: true}
	if cover {
		o.Trace = func(_, stage string, what fmt.Stringer) {
			if f, ok := what.(*ir.Func); ok && stage == "lowered" {
				lowered[f.Name] = f.Clone()
			}
		}
	}
	r, errs := compile.Compile([]*source.File{source.NewFile(name, text)}, o)
	if len(errs.Errors()) > 0 {
		for _, e := range errs {
			t.Error(e.Render(source.Style{}))
		}
		t.FailNow()
	}
	s := New(r, Options{Kernel: fakeKernel{}, Arch: "amd64", ReadFile: func(name string) ([]byte, error) {
		return os.ReadFile(filepath.Join("testdata", name))
	}})
	if cover {
		s.Cover(NewCoverage(lowered))
	}
	return s
}

// results is what came of all tests, as text.
func results(s *Suite) string {
	var b strings.Builder
	for _, t := range s.Tests {
		r := s.Run(t)
		word := "pass"
		switch {
		case len(r.Failures) > 0:
			word = "FAIL"
		case r.Skipped != "":
			word = "skip: " + r.Skipped
		}
		fmt.Fprintf(&b, "%s %s, checks: %d\n%s", t.Name, word, r.Checks, r.Printed)
		for _, f := range r.Failures {
			b.WriteString(f.Render(source.Style{}))
		}
	}
	return b.String()
}

// TestSuites runs the files of testdata: a source, a line of =>, and what
// comes of its tests. Both executions, the instructions and what they were
// lowered from, must give the same.
func TestSuites(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src, want, _ := strings.Cut(string(text), "\n=>\n")
			got := results(prepare(t, "test.lisp", src, false))
			if low := results(prepare(t, "test.lisp", src, true)); low != got {
				t.Errorf("as lowered:\n%s\nas instructions:\n%s", low, got)
			}
			if *update {
				if err := os.WriteFile(file, []byte(src+"\n=>\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestCoverage checks the counts of a program by hand.
func TestCoverage(t *testing.T) {
	const src = `(defmap hits :type :array :key u32 :value u64 :max-entries 4)
(defsubprog big ((n u32)) u32 (:global t)
  (if (> n 100)
      (+ n 1)
      (- n 1)))
(defprog p (:type :xdp)
  (let ((n (ctx rx-queue-index)))
    (when (= n 7)
      (incf (getmap hits 1)))
    (cond ((= n 8) XDP_DROP)
          ((= n 9) (big n))
          (t (incf (getmap hits 2)) XDP_PASS))))
(deftest once
  (is-verdict XDP_PASS (run p :packet (tcp-packet) :ctx '(:rx-queue-index 1)))
  (run p :packet (tcp-packet) :ctx '(:rx-queue-index 1))
  (run p :packet (tcp-packet) :ctx '(:rx-queue-index 9)))`
	s := prepare(t, "p.lisp", src, true)
	for _, test := range s.Tests {
		if r := s.Run(test); len(r.Failures) > 0 || r.Skipped != "" {
			t.Fatalf("%v %s", r.Failures, r.Skipped)
		}
	}
	files := s.cover.Files()
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	f := files[0]
	var never []string
	for _, p := range f.NotEvaluated {
		never = append(never, fmt.Sprintf("%v %s", p, p.Text()))
	}
	if got, want := strings.Join(never, "\n"), "p.lisp:4:7 (+ n 1)\np.lisp:9:7 (incf (getmap hits 1))\np.lisp:10:20 XDP_DROP"; got != want {
		t.Errorf("never evaluated:\n%s\nwant:\n%s", got, want)
	}
	lines := map[int]int{}
	for _, l := range f.Lines {
		lines[l.Line] = l.Count
	}
	for line, n := range map[int]int{3: 1, 4: 0, 5: 1, 8: 3, 9: 0, 11: 1, 12: 2} {
		if lines[line] != n {
			t.Errorf("line %d: %d, want %d", line, lines[line], n)
		}
	}
	lcov := LCOV(files, func(f *source.File) string { return f.Name })
	for _, want := range []string{"SF:p.lisp\n", "DA:4,0\n", "DA:12,2\n", "end_of_record\n", "BRDA:8,0,"} {
		if !strings.Contains(lcov, want) {
			t.Errorf("no %q in\n%s", want, lcov)
		}
	}
	page := HTML(files)
	if !strings.Contains(page, `<span class="n" title="never">(+ n </span>`) || !strings.Contains(page, `title="3 times">(let ((n `) {
		t.Error(page)
	}
}

// TestTable demands a docstring of every function, and that each is used by
// the tests here.
func TestTable(t *testing.T) {
	var all string
	files, _ := filepath.Glob("testdata/*.txt")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		all += string(b)
	}
	for _, topic := range Topics() {
		if topic.Kind == "session function" {
			continue // internal/e2e runs sessions
		}
		if topic.Doc == "" {
			t.Errorf("%s has no docstring", topic.Name)
		}
		if !strings.Contains(all, "("+topic.Name+" ") && !strings.Contains(all, "("+topic.Name+")") {
			t.Errorf("no test in testdata calls %s", topic.Name)
		}
	}
}
