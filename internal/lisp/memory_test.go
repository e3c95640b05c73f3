package lisp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// TestFree: evaluators that work in the memory of earlier ones know nothing of
// what those knew, also where they have symbols in common.
func TestFree(t *testing.T) {
	base := sexp.NewTable(nil)
	names := strings.Fields("foo bar baz alpha beta gamma")
	for _, name := range names {
		base.Intern(strings.ToUpper(name))
	}
	base.Keyword("KEY")
	for turn := range 20 {
		in := New(Options{Table: sexp.NewTable(base)})
		name := func(k int) string { return names[(turn+k)%len(names)] }
		for _, name := range names {
			if got := sexp.Print(mustEval(t, in, fmt.Sprintf("(list (fboundp '%s) (boundp '%s) (macro-function '%s))", name, name, name))); got != "(nil nil nil)" {
				t.Fatalf("turn %d: %s is %s before it is defined", turn, name, got)
			}
		}
		got := sexp.Print(mustEval(t, in, fmt.Sprintf(`
			(defun %s (x) (list x %d))
			(defvar %s '(%d :key own-%d))
			(defmacro %s (&rest forms) (let ((n 0)) (dolist (f forms) (incf n f)) (list '+ n 1)))
			(list (%s 1) %s (%s 1 2 3) (mapcar (lambda (x) (+ x %d)) '(1 2 3)))`,
			name(0), turn, name(1), turn, turn, name(2), name(0), name(1), name(2), turn)))
		if want := fmt.Sprintf("((1 %d) (%d :key own-%d) 7 (%d %d %d))", turn, turn, turn, turn+1, turn+2, turn+3); got != want {
			t.Fatalf("turn %d: got  %s\nwant %s", turn, got, want)
		}
		in.Free()
	}
}

// TestFreeLarge: what a giant took is not kept, and the next is none the worse.
func TestFreeLarge(t *testing.T) {
	for range 3 {
		in := New(Options{})
		got := sexp.Print(mustEval(t, in, `
			(defun deep (n) (if (= n 0) 0 (+ 1 (deep (- n 1)))))
			(let ((all nil)) (dotimes (i 20000) (push i all) (intern (format nil "S~d" i))) (list (length all) (deep 500)))`))
		if got != "(20000 500)" {
			t.Fatal(got)
		}
		in.Free()
	}
}
