package lisp

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

var update = flag.Bool("update", false, "write the values that sbcl gives into testdata")

// A testdata file holds one case on a line, `form => value as prin1 writes
// it`, and lines without an arrow, which are evaluated only. ERROR as the
// value means that the form signals an error. A line that starts with `!` is
// not shown to sbcl: Whistler differs on purpose.
type testLine struct {
	n          int
	form, want string
	ours       bool
}

func readLines(t *testing.T, name string) (lines []testLine) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range strings.Split(string(text), "\n") {
		if l == "" || l[0] == ';' {
			continue
		}
		c := testLine{n: i + 1, form: l}
		if k := strings.LastIndex(l, " => "); k >= 0 {
			c.form, c.want = l[:k], l[k+4:]
		}
		if strings.HasPrefix(c.form, "!") {
			c.form, c.ours = c.form[1:], true
		}
		lines = append(lines, c)
	}
	return lines
}

// runLine evaluates one form and prints its value, or ERROR.
func runLine(in *Interp, text string) (string, error) {
	forms, errs := sexp.ReadAll(source.NewFile("test", text), in.Table(), nil)
	if errs != nil {
		return "ERROR", errs
	}
	var v Value
	for _, f := range forms {
		var err error
		if v, err = in.EvalTop(f.V, f.Pos); err != nil {
			return "ERROR", err
		}
	}
	v, err := in.Apply(in.Table().Intern("PRIN1-TO-STRING"), []Value{v})
	if err != nil {
		return "ERROR", err
	}
	return strings.ReplaceAll(sexp.Display(v), "\n", " "), nil
}

func TestEval(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no testdata")
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			in := New(Options{})
			for _, c := range readLines(t, name) {
				got, err := runLine(in, c.form)
				if e := source.AsList(err); e != nil && e[0].Severity == source.SevBug {
					t.Errorf("%s:%d: %s: %v", name, c.n, c.form, err)
				}
				switch {
				case c.want == "" && err != nil:
					t.Errorf("%s:%d: %s: %v", name, c.n, c.form, err)
				case c.want != "" && !strings.EqualFold(c.want, got):
					t.Errorf("%s:%d: %s\n got %s (%v)\nwant %s", name, c.n, c.form, got, err, c.want)
				}
			}
		})
	}
}

// judge is read by sbcl: it evaluates the lines of its input.
const judge = `(setf *read-default-float-format* 'double-float *print-pretty* nil *print-right-margin* 100000)
(declaim (sb-ext:muffle-conditions warning sb-ext:compiler-note))
(setf sb-ext:*evaluator-mode* :compile)
(loop for line = (read-line *standard-input* nil) while line do
  (format t "~a~%" (handler-case (let ((*print-case* :upcase) (v (let ((*error-output* (make-broadcast-stream)) (*standard-output* (make-broadcast-stream)))
    (with-input-from-string (s line) (let (v) (loop for x = (read s nil s) until (eq x s) do (setf v (eval x))) v)))))
    (substitute #\Space #\Newline (prin1-to-string v)))
    (error () "ERROR"))))`

// TestJudge runs the same forms through sbcl, where it is installed.
func TestJudge(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	sbcl, err := exec.LookPath("sbcl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("sbcl is not installed, and CI wants its judgement")
		}
		t.Skip("sbcl is not installed: the values in testdata are not compared with it")
	}
	files, _ := filepath.Glob("testdata/*.txt")
	for _, name := range files {
		var input strings.Builder
		var cases []testLine
		for _, c := range readLines(t, name) {
			if !c.ours {
				cases = append(cases, c)
				input.WriteString(c.form + "\n")
			}
		}
		script := filepath.Join(t.TempDir(), "judge.lisp")
		if err := os.WriteFile(script, []byte(judge), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(sbcl, "--noinform", "--disable-debugger", "--no-userinit", "--no-sysinit", "--script", script)
		cmd.Stdin = strings.NewReader(input.String())
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: sbcl: %v", name, err)
		}
		answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		if len(answers) != len(cases) {
			t.Fatalf("%s: sbcl gave %d answers to %d forms", name, len(answers), len(cases))
		}
		byLine := map[int]string{}
		for i, c := range cases {
			byLine[c.n] = answers[i]
			if !*update && c.want != "" && !strings.EqualFold(c.want, answers[i]) {
				t.Errorf("%s:%d: %s\nsbcl gives %s\n we expect %s", name, c.n, c.form, answers[i], c.want)
			}
		}
		if *update {
			text, _ := os.ReadFile(name)
			lines := strings.Split(string(text), "\n")
			for _, c := range cases {
				if strings.HasPrefix(c.form, "(def") && c.want == "" {
					continue
				}
				lines[c.n-1] = c.form + " => " + strings.ToLower(byLine[c.n])
			}
			if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
