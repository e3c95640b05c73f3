package lang

import (
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
)

// TestAttacks compiles hostile sources: each is an error that names a limit,
// and none takes the compiler down or runs on. With the limits as they are
// each takes less than half a second; a test that hangs says which.
func TestAttacks(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) }
	for _, c := range []struct{ name, text, want string }{
		{"endless recursion", `(defun f (x) (+ 1 (f x))) (defparameter *x* (f 1))`, "nested more than"},
		{"endless macro in a body", "(defmacro m (x) `(m (progn ,x ,x))) (defprog p () (m 1))", "more than 500 deep"},
		{"endless macro", `(defmacro m () '(m)) (m)`, "expand without end"},
		{"doubling macro", "(defmacro m (n) `(progn (m ,(1+ n)) (m ,(1+ n)))) (defprog p () (m 1))", "more than 500 deep"},
		{"huge vector", `(defparameter *x* (make-array 1000000000))`, "memory"},
		{"huge string", `(defparameter *x* (make-string 1000000000))`, "memory"},
		{"huge format width", `(defparameter *x* (format nil "~2000000000d" 1))`, "memory"},
		{"huge format tabulation", `(defparameter *x* (format nil "~2000000000t" 1))`, "memory"},
		{"endless format", `(defparameter *x* (format nil "~v@{~a~:*~}" 1000000000 1))`, "steps"},
		{"open parentheses", deep(100_000), "nested more than"},
		{"deep list", "(defparameter *x* '" + deep(100_000) + strings.Repeat(")", 100_000) + ")", "nested more than"},
		{"deep quotes", "(defparameter *x* " + strings.Repeat("'", 100_000) + "x)", "nested more than"},
		{"deep arithmetic", "(defprog p () " + strings.Repeat("(+ 1 ", 100_000) + "1" + strings.Repeat(")", 100_000) + ")", "nested more than"},
		{"endless list", `(defparameter *x* (loop collect 1))`, "memory"},
		{"doubling string", `(defparameter *x* (let ((s "a")) (loop (setf s (concatenate 'string s s)))))`, "memory"},
		{"huge power", `(defparameter *x* (expt 3 100000000))`, "steps"},
		{"huge shift", `(defparameter *x* (ash 1 100000000000))`, "memory"},
		{"squaring", `(defparameter *x* (let ((n 3)) (loop (setf n (* n n)))))`, "steps"},
		{"endless table", `(defparameter *x* (let ((h (make-hash-table))) (loop for i from 0 do (setf (gethash i h) i))))`, "memory"},
		{"slow sort", `(defparameter *x* (sort (loop for i below 3000000 collect (- i)) #'<))`, "than"},
		{"huge expansion", "(defmacro m () (let ((x nil)) (dotimes (i 1000000) (push '(incf y) x)) `(let ((y 0)) ,@x))) (defprog p () (m))", "than"},
		{"circle", `(defparameter *x* (let ((a (list 1))) (setf (cdr a) a) (length a)))`, "not a proper"},
		{"printing a circle", `(defparameter *x* (let ((a (list 1))) (setf (cdr a) a) (format nil "~a" a)))`, "than"},
		{"errors that are caught", `(defun g () (handler-case (loop) (error () (g)))) (g)`, "steps"},
		{"exponential calls", `(defparameter *x* (labels ((a (n) (if (zerop n) 0 (progn (a (1- n)) (a (1- n)))))) (a 60)))`, "steps"},
		{"many copies", `(defparameter *x* (make-string 1000000)) (defparameter *y* (loop repeat 100000 collect (copy-seq *x*)))`, "memory"},
		{"files", `(defparameter *x* (with-open-file (f "/etc/passwd") (read-line f)))`, "."},
		{"processes", `(run-program "/bin/true" nil)`, "sandbox|not|refused"},
		{"reader evaluation", `(defparameter *x* #.(+ 1 2))`, "."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := Lower([]*source.File{source.NewFile("attack.lisp", c.text)}, Options{CPU: 3, Arch: "amd64"})
			if len(errs.Errors()) == 0 {
				t.Fatal("compiles")
			}
			for _, want := range strings.Split(c.want, "|") {
				if strings.Contains(errs.Error(), want) {
					return
				}
			}
			t.Errorf("want %q, have %v", c.want, errs)
		})
	}
}
