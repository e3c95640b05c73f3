package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/kernel"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/user"
	"github.com/whistler-lang/whistler/internal/user/live"
	"github.com/whistler-lang/whistler/load"
)

// testCmd runs tests.
type testCmd struct {
	Paths   []string          `arg:"" optional:"" help:"Sources, and directories whose sources are meant; DIR/... is all below it. Default: the current directory. The tests of X.lisp are in it, and in X-test.lisp beside it."`
	Run_    string            `name:"run" short:"r" help:"Run the tests whose names the regular expression matches." placeholder:"REGEXP"`
	Kernel  bool              `help:"Run programs in the kernel, by its test runs, in place of the virtual machine: needs root."`
	Cover   bool              `help:"Say which forms of the programs the tests evaluate."`
	HTML    string            `name:"cover-html" help:"Write the coverage as a page." placeholder:"FILE"`
	LCOV    string            `name:"lcov" help:"Write the coverage in the format of lcov." placeholder:"FILE"`
	JUnit   string            `name:"junit" help:"Write the results as JUnit XML." placeholder:"FILE"`
	JSON    bool              `name:"json" help:"Write each result as a JSON object on a line."`
	Verbose bool              `short:"v" help:"Name each test, and show what it writes."`
	Define  map[string]string `short:"D" help:"Give a global variable a value." placeholder:"NAME=VALUE" mapsep:"none"`
	CPU     string            `help:"BPF cpu version: v2, v3 or v4." default:"v3" enum:"v2,v3,v4,2,3,4"`
	Tracefs string            `help:"Directory with the kernel's tracing files. Default: testdata/tracefs beside the source where there is one, else the running kernel's." placeholder:"DIR"`
	BTF     string            `name:"btf" help:"File with the kernel's types. Default: testdata/vmlinux.btf beside the source where there is one, else the running kernel's." placeholder:"FILE"`
}

// A testFile is a source with its tests.
type testFile struct {
	dir  string // of the file system that File's names are in
	name string // as shown
	user.File
}

// A testResult is a test that ran, for the reports.
type testResult struct {
	File     string           `json:"file"`
	Test     string           `json:"test"`
	Doc      string           `json:"doc,omitempty"`
	Line     int              `json:"line"`
	Result   string           `json:"result"` // pass, fail, skip
	Reason   string           `json:"reason,omitempty"`
	Checks   int              `json:"checks"`
	Seconds  float64          `json:"seconds"`
	Output   string           `json:"output,omitempty"`
	Failures []jsonDiagnostic `json:"failures,omitempty"`
	rendered string
}

func (c *testCmd) Run(a *app) error {
	match, err := regexp.Compile(c.Run_)
	if err != nil {
		return errUsage{fmt.Errorf("--run: %v", err)}
	}
	if c.Kernel && c.covering() {
		return errUsage{errors.New("coverage is counted in the virtual machine: leave --kernel out")}
	}
	files, err := testFiles(c.Paths)
	if err != nil {
		return err
	}
	var results []testResult
	var coverage []*user.FileCoverage
	bad := false
	for _, f := range files {
		rs, cover, err := c.file(a, f, match)
		var silent errSilent
		switch {
		case errors.As(err, &silent):
			bad = true
			fmt.Fprintf(a.err, "FAIL  %s does not compile\n", f.name)
			if silent == exitBug {
				return err
			}
		case err != nil:
			return err
		}
		for _, r := range rs {
			bad = bad || r.Result == "fail"
		}
		results = append(results, rs...)
		coverage = append(coverage, cover...)
	}
	if err := c.reports(a, results, coverage); err != nil {
		return err
	}
	if bad {
		return errSilent(exitUser)
	}
	if len(results) == 0 {
		if c.Run_ != "" {
			return fmt.Errorf("no test has a name that %s matches", c.Run_)
		}
		return errors.New("there are no tests: a test is a (deftest name form...) in a source, or in a file SOURCE-test.lisp beside it; `whistler help deftest` explains")
	}
	return nil
}

func (c *testCmd) covering() bool { return c.Cover || c.HTML != "" || c.LCOV != "" }

// testFiles finds the sources that may have tests.
func testFiles(paths []string) (out []testFile, err error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	seen := map[string]bool{}
	add := func(dir string, files ...user.File) {
		for _, f := range files {
			if name := filepath.Join(dir, f.Main); !seen[name] {
				seen[name] = true
				out = append(out, testFile{dir, name, f})
			}
		}
	}
	for _, p := range paths {
		dir, all := strings.CutSuffix(p, "/...")
		if p == "..." {
			dir, all = ".", true
		}
		st, err := os.Stat(dir)
		var pe *os.PathError
		switch {
		case errors.As(err, &pe):
			return nil, fmt.Errorf("cannot read %s: %w", dir, pe.Err)
		case !st.IsDir():
			dir, name := filepath.Split(filepath.Clean(p))
			dir = filepath.Clean(dir)
			add(dir, user.FileOf(os.DirFS(dir), name))
			continue
		}
		files, err := user.Find(os.DirFS(dir), ".", all)
		if err != nil {
			return nil, err
		}
		add(dir, files...)
	}
	return out, nil
}

// options are those of compiling a file.
func (c *testCmd) options(f testFile, trace func(program, stage string, what fmt.Stringer)) whistler.Options {
	dir := filepath.Dir(f.name)
	m := kernel.Machine{Dir: c.Tracefs, File: c.BTF}
	beside := func(set *string, name string) {
		if *set == "" {
			if path := filepath.Join(dir, "testdata", name); exists(path) {
				*set = path
			}
		}
	}
	beside(&m.Dir, "tracefs")
	beside(&m.File, "vmlinux.btf")
	return whistler.Options{CPU: int(c.CPU[len(c.CPU)-1] - '0'), Arch: runtime.GOARCH, Define: c.Define, Trace: trace, Kernel: m, KeepLisp: true,
		ReadFile: func(name string) ([]byte, error) { return readBeside(dir, name) }}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readBeside(dir, name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return text, err
}

// file runs the tests of a source.
func (c *testCmd) file(a *app, f testFile, match *regexp.Regexp) (results []testResult, cover []*user.FileCoverage, err error) {
	var sources []whistler.Source
	has := false
	for _, name := range f.Sources {
		path := filepath.Join(f.dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		has = has || user.HasTests(string(text))
		sources = append(sources, whistler.Source{Name: filepath.Base(path), Text: string(text)})
	}
	if !has {
		if c.Verbose && !c.JSON {
			fmt.Fprintf(a.out, "?     %s has no tests\n", f.name)
		}
		return nil, nil, nil
	}
	lowered := map[string]*ir.Func{}
	var trace func(program, stage string, what fmt.Stringer)
	if c.covering() {
		trace = func(program, stage string, what fmt.Stringer) {
			if fn, ok := what.(*ir.Func); ok && stage == "lowered" {
				lowered[fn.Name] = fn.Clone()
			}
		}
	}
	o := c.options(f, trace)
	obj, err := whistler.Compile(context.Background(), sources, o)
	if why := undescribed(err); why != "" {
		if !c.JSON {
			fmt.Fprintf(a.out, "--- SKIP: all of %s: %s\n", f.name, why)
		}
		return []testResult{{File: f.name, Result: "skip", Reason: why}}, nil, nil
	}
	if err != nil {
		return nil, nil, a.compileError(err, false)
	}
	so := user.Options{ReadFile: o.ReadFile, Kernel: o.Kernel, Arch: o.Arch}
	if c.Kernel {
		so.NewHost = func(r *compile.Result) (user.Host, error) {
			h, err := live.New(r)
			if load.Denied(err) {
				return nil, errDenied
			}
			return h, err
		}
	}
	s := user.New(obj.Result(), so)
	var counts *user.Coverage
	if c.covering() {
		counts = user.NewCoverage(lowered)
		s.Cover(counts)
	}
	began := time.Now()
	failed, skipped, checks := 0, 0, 0
	for _, t := range s.Tests {
		if !match.MatchString(t.Name) {
			continue
		}
		start := time.Now()
		r := s.Run(t)
		if c.Kernel && len(r.Failures) == 1 && strings.Contains(r.Failures[0].What, errDenied.Error()) {
			return results, nil, errDenied
		}
		out := c.result(a, f, r, time.Since(start))
		switch checks += r.Checks; out.Result {
		case "fail":
			failed++
		case "skip":
			skipped++
		}
		results = append(results, out)
		c.show(a, out)
	}
	if n := len(results); n > 0 && !c.JSON {
		word := "ok    "
		if failed > 0 {
			word = "FAIL  "
		}
		line := fmt.Sprintf("%s%s  %s, %s", word, f.name, counted(n, "test"), counted(checks, "check"))
		if failed > 0 {
			line += fmt.Sprintf(", %d failed", failed)
		}
		if skipped > 0 {
			line += fmt.Sprintf(", %d skipped", skipped)
		}
		fmt.Fprintf(a.out, "%s  %v\n", line, time.Since(began).Round(time.Millisecond))
	}
	if counts != nil {
		cover = counts.Files()
	}
	return results, cover, nil
}

var errDenied = errors.New("running programs in the kernel needs root, or CAP_BPF with CAP_NET_ADMIN and CAP_PERFMON; without --kernel tests need no privileges")

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (c *testCmd) result(a *app, f testFile, r user.Result, took time.Duration) testResult {
	line, _ := r.Test.Pos.LineCol()
	out := testResult{File: filepath.Join(filepath.Dir(f.name), r.Test.Pos.File.Name), Test: r.Test.Name, Doc: r.Test.Doc, Line: line, Result: "pass", Checks: r.Checks, Seconds: took.Seconds(), Output: r.Printed}
	switch {
	case len(r.Failures) > 0:
		out.Result = "fail"
		out.Failures = diagnosticsJSON(r.Failures)
		var b strings.Builder
		style := a.style
		if c.JUnit != "" || c.JSON {
			style = source.Style{}
		}
		for _, e := range r.Failures {
			b.WriteString(e.Render(style))
		}
		out.rendered = b.String()
	case r.Skipped != "":
		out.Result, out.Reason = "skip", r.Skipped
	}
	return out
}

// show prints a result as it comes.
func (c *testCmd) show(a *app, r testResult) {
	switch {
	case c.JSON:
		a.line(r)
		return
	case r.Result == "fail":
		fmt.Fprintf(a.out, "--- FAIL: %s (%s:%d)\n", r.Test, r.File, r.Line)
	case r.Result == "skip":
		fmt.Fprintf(a.out, "--- SKIP: %s (%s:%d): %s\n", r.Test, r.File, r.Line, r.Reason)
	case c.Verbose:
		fmt.Fprintf(a.out, "--- PASS: %s (%.1f ms)\n", r.Test, 1000*r.Seconds)
	}
	if r.Output != "" && (c.Verbose || r.Result == "fail") {
		fmt.Fprintf(a.out, "%s\n", strings.TrimRight(r.Output, "\n"))
	}
	fmt.Fprint(a.out, r.rendered)
}

// reports writes the files that were asked for, and the coverage.
func (c *testCmd) reports(a *app, results []testResult, cover []*user.FileCoverage) error {
	if c.JUnit != "" {
		b, err := junit(results)
		if err != nil {
			return err
		}
		if err := writeFile(c.JUnit, b); err != nil {
			return err
		}
	}
	if c.LCOV != "" {
		if err := writeFile(c.LCOV, []byte(user.LCOV(cover, func(f *source.File) string { return coveredPath(results, f) }))); err != nil {
			return err
		}
	}
	if c.HTML != "" {
		if err := writeFile(c.HTML, []byte(user.HTML(cover))); err != nil {
			return err
		}
	}
	if !c.Cover || c.JSON {
		return nil
	}
	for _, f := range cover {
		fmt.Fprintf(a.out, "cover %s  %.1f %%, %d of %d forms\n", coveredPath(results, f.File), f.Percent(), f.Seen, f.Forms)
		for _, p := range f.NotEvaluated {
			line, col := p.LineCol()
			text, _, _ := strings.Cut(p.Text(), "\n")
			fmt.Fprintf(a.out, "      %s:%d:%d: never: %s\n", f.File.Name, line, col, shortened(text))
		}
	}
	return nil
}

// undescribed says what is missing where a source cannot be compiled only
// because this machine describes no kernel to it.
func undescribed(err error) string {
	for _, e := range source.AsList(err) {
		if e.Code == "no-btf" || e.Code == "no-tracefs" {
			return e.What
		}
	}
	return ""
}

// coveredPath is where a source lies, as the tests' file names say.
func coveredPath(results []testResult, f *source.File) string {
	for _, r := range results {
		if base := filepath.Base(r.File); base == f.Name || base == strings.TrimSuffix(f.Name, ".lisp")+"-test.lisp" {
			return filepath.Join(filepath.Dir(r.File), f.Name)
		}
	}
	return f.Name
}

// junit is the results in the format that CI services read.
func junit(results []testResult) ([]byte, error) {
	type message struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testCase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Seconds string   `xml:"time,attr"`
		Failure *message `xml:"failure,omitempty"`
		Skipped *message `xml:"skipped,omitempty"`
		Output  string   `xml:"system-out,omitempty"`
	}
	type testSuite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	doc := struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []*testSuite `xml:"testsuite"`
	}{}
	by := map[string]*testSuite{}
	for _, r := range results {
		s := by[r.File]
		if s == nil {
			s = &testSuite{Name: r.File}
			by[r.File] = s
			doc.Suites = append(doc.Suites, s)
		}
		t := testCase{Name: r.Test, Class: r.File, Seconds: fmt.Sprintf("%.6f", r.Seconds), Output: r.Output}
		switch s.Tests++; r.Result {
		case "fail":
			s.Failures++
			t.Failure = &message{r.Failures[0].Message, r.rendered}
		case "skip":
			s.Skipped++
			t.Skipped = &message{Message: r.Reason}
		}
		s.Cases = append(s.Cases, t)
	}
	b, err := xml.MarshalIndent(doc, "", "  ")
	return append([]byte(xml.Header), append(b, '\n')...), err
}
