package compile

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/source"
)

var wanted = regexp.MustCompile(`; (ERROR|WARNING) (\d+): "([^"]*)"`)

// cases cuts a file at its lines `;;;; name`: each case is what stands
// before the first of them and its own part, at the lines where they stand.
func cases(text string) map[string]string {
	lines := strings.Split(text, "\n")
	out := map[string]string{}
	begin := len(lines)
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], ";;;; ") {
			out[lines[i][5:]] = strings.Repeat("\n", i) + strings.Join(lines[i:begin], "\n")
			begin = i
		}
	}
	for name, own := range out {
		head := strings.Join(lines[:begin], "\n")
		out[name] = head + own[strings.Count(head, "\n"):]
	}
	return out
}

// wrongFiles are those of wrong programs: what the flow analysis finds, and
// what the language does not allow.
func wrongFiles() []string {
	files, _ := filepath.Glob("testdata/wrong/*.lisp")
	more, _ := filepath.Glob("testdata/language/*.lisp")
	return append(files, more...)
}

// TestClasses reads the index of the mistakes that are found before the
// kernel does: each has a case of its own, and its message says what was
// expected, or how to mend it.
func TestClasses(t *testing.T) {
	text, err := os.ReadFile("testdata/classes.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range wrongFiles() {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, src := range cases(string(text)) {
			all[strings.TrimSuffix(filepath.Base(file), ".lisp")+"/"+name] = src
		}
	}
	classes, used, kernel := map[string]bool{}, map[string]bool{}, 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		class, name, ok := strings.Cut(line, " = ")
		name, _, _ = strings.Cut(name, " ! ") // why it is not mended
		src := all[name]
		switch {
		case !ok || src == "":
			t.Errorf("no case %s: %s", name, line)
		case classes[class] || used[name]:
			t.Errorf("twice: %s", line)
		case !strings.HasPrefix(name, "refused/"):
			kernel++
		}
		classes[class], used[name] = true, true
		_, errs := Compile([]*source.File{source.NewFile("x.lisp", src)}, Options{Options: lang.Options{CPU: 3, Arch: "amd64", Kernel: smallKernel{}}})
		if len(errs.Errors()) == 0 {
			t.Errorf("%s is not refused", name)
		}
		for _, e := range errs.Errors() {
			if e.Expected == "" && e.Hint == "" {
				t.Errorf("%s: the message says neither what was expected nor what to do: %s", name, e.What)
			}
		}
	}
	if len(classes) < 150 || kernel < 110 {
		t.Errorf("%d classes, %d of them in programs that reach the kernel", len(classes), kernel)
	}
	t.Logf("%d classes, %d of them in programs that reach the kernel", len(classes), kernel)
}

// TestFindings compiles the cases of testdata/wrong and testdata/language:
// what is said of each stands in its comments, with the column. That the kernel
// agrees on those of testdata/wrong is what difftest.TestRefused checks.
func TestFindings(t *testing.T) {
	n := 0
	for _, file := range wrongFiles() {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for name, src := range cases(string(text)) {
			n++
			want := map[string][]string{}
			for i, line := range strings.Split(src, "\n") {
				for _, m := range wanted.FindAllStringSubmatch(line, -1) {
					at := fmt.Sprintf("%s %d:%s", strings.ToLower(m[1]), i+1, m[2])
					want[at] = append(want[at], m[3])
				}
			}
			if len(want) == 0 {
				t.Errorf("%s, %s: the case wants nothing", file, name)
			}
			r, errs := Compile([]*source.File{source.NewFile(filepath.Base(file), src)}, Options{Options: lang.Options{CPU: 3, Arch: "amd64", Kernel: smallKernel{}}})
			if r != nil {
				errs = append(errs, r.Warnings...)
			}
			for _, e := range errs {
				if e.Code == "unused-map" && filepath.Base(file) != "warnings.lisp" {
					continue // of the head that cases share
				}
				line, col := e.Pos.LineCol()
				at := fmt.Sprintf("%v %d:%d", e.Severity, line, col)
				if w := want[at]; len(w) == 0 || !regexp.MustCompile(w[0]).MatchString(e.What) {
					t.Errorf("%s, %s: not wanted at %s:\n%s", file, name, at, e.Render(source.Style{}))
				} else {
					want[at] = w[1:]
				}
				if e.Code == "" || e.What == "" {
					t.Errorf("%s, %s: without a code or a text", file, name)
				}
			}
			for at, ws := range want {
				for _, w := range ws {
					t.Errorf("%s, %s: no %s %q", file, name, at, w)
				}
			}
		}
	}
	t.Logf("%d cases", n)
}

// TestNoWarnings compiles comparisons that are decided for a reason which
// their author knows: constants, macros, signed numbers.
func TestNoWarnings(t *testing.T) {
	r, errs := Compile([]*source.File{source.NewFile("a.lisp", `
(defmap h :type :hash :key u32 :value u64 :max-entries 8)
(defmacro below (x n) `+"`"+`(< ,x ,n))
(defconstant +limit+ 0)
(defprog a () (if (below (ctx rx-queue-index) 0) 1 2))
(defprog b () (let ((x 5)) (if (> x 3) 1 2)))
(defprog c () (let ((x i32 (ctx rx-queue-index))) (if (< x 0) 1 2)))
(defprog d () (let ((s 0)) (dotimes (i 1000) (let ((v (map-lookup h i))) (when v (setf s (+ s (load u64 v 0)))))) s) 2)
(defprog e () (if (= +limit+ 0) 1 2))
(defprog f () (case (load u8 (struct-alloc 8) 0) (300 1) (t 2)))
(defprog g () (if (minusp (ctx rx-queue-index)) 1 2))
(defmacro with-two ((a b) &body body) `+"`"+`(let ((,a 1) (,b 2)) ,@body))
(defprog i () (with-two (x y) x))
(defprog j () (let ((x 1)) (declare (ignore x)) (let* ((y 1) (z 2)) (declare (ignorable z)) y)))
(defprog k () (let ((x 1)) (dotimes (i 3) (incf x)) 2))
(defprog l () (with-tcp (data data-end tcp) (return 1)) 2)
(defprog m () (let ((x 1)) (store u32 (stack-addr x) 0 5) 2))
(defprog n () (with-packet (data data-end :min-len 14) (return 1)))
(defprog o () (case (ctx rx-queue-index) (1 2) (2 2) ((3 4) 1) (t 2)))
(defprog q () (block b (return-from b 1)) 2)
(defprog r () (let ((x 0)) (bpf-loop (i 3) (incf x i)) 2))
(defprog s () (flet ((f (a b) a)) (f 1 2)))
(defmap pinned :type :array :key u32 :value u64 :max-entries 1 :pinning :by-name)
(defsubprog shared ((a u32)) u32 (:global t) a)
`)}, Options{Options: lang.Options{CPU: 3, Arch: "amd64", Kernel: smallKernel{}}})
	if r != nil {
		errs = append(errs, r.Warnings...)
	}
	for _, e := range errs {
		t.Error(e.Render(source.Style{}))
	}
}

// smallKernel has the types of testdata/kernel.
type smallKernel struct{}

func (smallKernel) BTF() ([]byte, error) { return os.ReadFile("../../testdata/kernel/kernel.btf") }

func (smallKernel) Tracepoint(string, string) ([]lang.TraceField, error) { return nil, os.ErrNotExist }
