package lisp

import (
	"strings"
	"testing"
	"time"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// evalText evaluates all forms of a text and gives the last value.
func evalText(in *Interp, text string) (v Value, err error) {
	forms, errs := sexp.ReadAll(source.NewFile("t", text), in.Table(), nil)
	if errs != nil {
		return nil, errs
	}
	for _, f := range forms {
		if v, err = in.EvalTop(f.V, f.Pos); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// firstError evaluates text, which must fail with an error of the user's.
func firstError(t *testing.T, in *Interp, text string) *source.Error {
	t.Helper()
	_, err := evalText(in, text)
	l := source.AsList(err)
	if len(l) == 0 {
		t.Fatalf("%.80s: no error", text)
	}
	if l[0].Severity != source.SevError {
		t.Errorf("%.80s: %v", text, l[0])
	}
	return l[0]
}

// TestErrors checks text and place: the ^ in the form stands before the
// column that the error must name.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ form, what string }{
		{"(+ 1 ^xyz)", "the variable `xyz` has no value at compile time"},
		{"(list 1 (^fooo 2))", "the operator `fooo` is not defined"},
		{"(list ^(car 5))", "5 is not a list"},
		{"(progn (defun f (a &optional b) a) ^(f))", "`f` is called with no arguments"},
		{"^(car 1 2)", "`car` is called with 2 arguments"},
		{"^(if)", "`if` with no arguments"},
		{"(let (^(x 1 2)) x)", "malformed binding (x 1 2) in `let`"},
		{"(let ((x 1)) ^(error \"bad ~a\" 'Foo))", "bad Foo"},
		{"(let (^(1 2)) 3)", "malformed binding"},
		{"(^5 1)", "5 is not an operator"},
		{"^(return 1)", "there is no block named `nil`"},
		{"(tagbody (go ^x))", "there is no tag x"},
		{"(setf ^(fooo 1) 2)", "(fooo 1) is not a place"},
		{"(setf x)", "`setf` has no value for the place x"},
		{"^(loop for x)", "`for x` says not over what"},
		{"(macrolet ((m (a b) a)) ^(m 1))", "`m`: too few arguments, 1 argument given"},
		{"(macrolet ((m (&key size) size)) ^(m :sise 1))", "unknown keyword argument :sise"},
		{"(macrolet ((m (a) `(list ,a))) ^(m zork))", "the variable `zork`"},
		{"^(open \"x\")", "`open` is refused: compile-time code is sandboxed"},
		{"^(with-open-file (s \"x\") s)", "sandboxed"},
		{"^(defclass foo () ())", "it has no classes"},
		{"^(random 5)", "`random` is refused"},
		{"(defun ^if (x) x)", "cannot have its name"},
		{"(lambda (x ^&rest) x)", "no variable follows &rest"},
		{"(lambda (^5) x)", "5 is not a variable"},
		{"(funcall 'when 1)", "`when` is a special operator"},
		{"(let ((foo 1)) (^foo 2))", "the operator `foo` is not defined"},
		{"^(format nil \"~a\")", "no argument is left for `~a`"},
		{"(list ,x)", "a comma outside of a backquote"},
		{"`(a ,@(list 1) . ,@x)", "`,@` stands where there is no list"},
		{"^(subseq \"abc\" 2 9)", "the bounds 2 and 9 are not within a sequence of length 3"},
		{"^(aref (vector 1 2) 7)", "the index 7 is not within"},
		{"^(ecase 3 (1 2))", "3 is none of the keys of `ecase`"},
		{"^(gethash 1 2)", "2 is not a hash table"},
		{"^(setq :a 1)", "`:a` is a constant"},
		{"(catch 'x ^(throw 'y 1))", "no catch for the tag y"},
		{"(check-type ^5 string)", "the value of 5 is 5, which is not of type string"},
		{"(let ((x 5)) (check-type ^x string))", "the value of x is 5, which is not of type string"},
		{"^(make-array -1)", "-1 is not an index"},
		{"^(typep 1 'intger)", "intger is not a type"},
		{"^(intern 5)", "5 is not a string"},
		{"(mapcar (lambda (x) ^(+ x 'a)) '(1))", "a is not a number"},
		{"^(slot-value 1 2)", "`slot-value` is not part of compile-time Lisp"},
		{"(defconstant k 1) (defconstant k 2)", "the constant `k` is 1 already"},
	} {
		at := strings.IndexByte(c.form, '^')
		text := strings.Replace(c.form, "^", "", 1)
		e := firstError(t, New(Options{}), text)
		if !strings.Contains(e.What, c.what) {
			t.Errorf("%s: %q, want %q", text, e.What, c.what)
		}
		if !e.Pos.Known() {
			t.Errorf("%s: no place", text)
		} else if at >= 0 && int(e.Pos.Start) != at {
			t.Errorf("%s: at %v, want column %d", text, e.Pos, at+1)
		}
	}
}

func TestHints(t *testing.T) {
	for _, c := range []struct{ form, hint, expected string }{
		{"(mapcra #'car nil)", "did you mean `mapcar`?", ""},
		{"(let ((packet 1)) (list pakcet))", "did you mean `packet`?", ""},
		{"(defmacro with-thing (x) x) (with-thign 1)", "did you mean `with-thing`?", ""},
		{"(find 1 nil :tset #'eq)", "did you mean `:test`?", ""},
		{"(let ((f #'car)) (f 1))", "call the function in it with (funcall f ...)", ""},
		{"(loop for x in nil colect x)", "did you mean `collect`?", ""},
		{"(defun foo (a &key b) a) (foo)", "", "(foo a &key b)"},
		{"(let ((x u32 1)) x)", "typed bindings", "(variable value)"},
	} {
		e := firstError(t, New(Options{}), c.form)
		if !strings.Contains(e.Hint, c.hint) || !strings.Contains(e.Expected, c.expected) {
			t.Errorf("%s: hint %q, expected %q", c.form, e.Hint, e.Expected)
		}
	}
}

func TestExpansionChain(t *testing.T) {
	e := firstError(t, New(Options{}), "(defmacro inner (x) (car x))\n(defmacro outer (x) `(inner ,x))\n(outer 5)")
	if len(e.Expansion) != 2 || e.Expansion[0].Name != "inner" || e.Expansion[1].Name != "outer" {
		t.Errorf("chain %v", e.Expansion)
	}
	if got := e.Expansion[1].Pos.String(); got != "t:3:1" {
		t.Errorf("outer was called at %s", got)
	}
}

// TestAttacks runs hostile programs: each must end in an error, soon.
func TestAttacks(t *testing.T) {
	deep := strings.Repeat("(", 100_000)
	for _, c := range []struct{ form, what string }{
		{"(loop)", "steps"},
		{"(loop (ignore-errors (error \"x\")))", "steps"},
		{"(loop (handler-case (loop) (condition () nil)))", "steps"},
		{"(unwind-protect (loop) (loop))", "steps"},
		{"(defun f (x) (f (+ x 1))) (f 0)", "nested more than 10000"},
		{"(defun f (x) (+ 1 (f x))) (f 0)", "nested more than 10000"},
		{"(defun f (x) (mapcar #'f (list x))) (f 0)", "nested more than 10000"},
		{"(defun f (x) (handler-bind ((error #'f)) (error \"x\"))) (f 0)", "nested more than"},
		{"(defun f (x) (unwind-protect (f x) (f x))) (f 0)", "nested more than"},
		{"(defmacro m () '(m)) (m)", "expansions"},
		{"(defmacro m (x) `(m (m ,x))) (m 1)", "expansions"},
		{"(defmacro m (x) `(list (m (list ,x)))) (print (m 1))", "nested more than"},
		{"(symbol-macrolet ((x x)) x)", "expands without end"},
		{"(symbol-macrolet ((x (list x))) x)", "without end"},
		{"(let ((x (make-string 1000000))) (loop (ignore-errors (car x))))", "steps"},
		{"(loop (ignore-errors (undefined-operator 1)))", "steps"},
		{"(let ((s (make-symbol (make-string 1000000))) (h (make-hash-table :test 'equal))) (loop (gethash (list s) h)))", ""},
		{"(let ((s (make-string 1000000)) (h (make-hash-table :test 'equal))) (loop (gethash s h)))", "steps"},
		{"(let ((n (expt 3 1000000))) (loop (princ-to-string n)))", "steps"},
		{"(let ((f '(progn))) (dotimes (i 10000) (push '(list 1 2) (cdr f))) (loop (eval f)))", ""},
		{"(defmacro m (n) (eval (list 'let '((x 1)) (list 'list (list 'm (list '+ n 1)))))) (m 1)", ""},
		{"(defun f (n) (eval (let ((x (list 'f (+ n 1)))) (dotimes (i 2000) (setq x (list 'progn x))) x))) (f 0)", "nested more than"},
		{"(make-array (make-list 100000 :initial-element 1) :initial-contents 1)", "64 dimensions"},
		{"(make-list 10000000000)", "too large"},
		{"(make-list 2000000000)", "memory"},
		{"(make-array 2000000000)", "memory"},
		{"(make-array '(100000 100000 100000))", "memory"},
		{"(make-string 2000000000)", "memory"},
		{"(format nil \"~2000000000a\" 1)", "memory"},
		{"(format nil \"~9999999999a\" 1)", "no small integer"},
		{"(format nil \"~2000000000%\")", "memory"},
		{"(format nil \"~,2000000000f\" 1.5)", "digits"},
		{"(format nil \"~1,2000000000$\" 1.5)", "digits"},
		{"(format nil \"~v@{~a~:*~}\" 2000000000 1)", "steps"},
		{"(expt 2 100000000000)", "memory"},
		{"(expt 3 (expt 10 50))", "memory"},
		{"(ash 1 1000000000000)", "memory"},
		{"(let ((x 3)) (loop (setq x (* x x))))", ""},
		{"(let ((x \"ab\")) (loop (setq x (concatenate 'string x x))))", "memory"},
		{"(let ((l (list 1))) (loop (setq l (append l l))))", "memory"},
		{"(let ((l (list 1))) (setf (cdr l) l) (length l))", "proper list"},
		{"(let ((l (list 1))) (setf (cdr l) l) (mapcar #'1+ l))", ""},
		{"(let ((l (list 1))) (setf (cdr l) l) (copy-list l))", ""},
		{"(let ((l (list 1))) (setf (car l) l) (equal l (copy-tree l)))", "nested more than"},
		{"(let ((l (list 1)) (k (list 1))) (setf (cdr l) l (cdr k) k) (equal l k))", "steps"},
		{"(let ((l (list 1)) (k (list 1))) (setf (car l) l (car k) k) (equalp l k))", "nested more than"},
		{"(let ((l (list 1))) (setf (cdr l) l) (princ-to-string l))", ""},
		{"(let ((l (list 1))) (setf (car l) l) (princ-to-string l))", "nested more than"},
		{"(let ((l (list 1))) (setf (cdr l) l) (error \"~a\" l))", ""},
		{"(let ((l (list 1))) (setf (cdr l) l) (car (intern l)))", "is not a string"},
		{"(let (x) (dotimes (i 100000) (setq x (list x))) (princ-to-string x))", "nested more than"},
		{"(let (x) (dotimes (i 100000) (setq x (list x))) (copy-tree x))", "nested more than"},
		{"(let (x) (dotimes (i 100000) (setq x (list 'progn x))) (eval x))", "nested more than"},
		{"(let (x) (dotimes (i 100000) (setq x (list 'quasiquote (list 'unquote x)))) (eval x))", "nested more than"},
		{"(let (x) (dotimes (i 100000) (setq x (list 'lambda nil x))) (eval x))", "nested more than"},
		{"(let (x) (dotimes (i 100000) (setq x (list x))) (eval (list 'quasiquote x)))", "nested"},
		{"(let (x) (dotimes (i 100000) (setq x (list x))) (eval (list 'destructuring-bind x nil 1)))", "nested"},
		{"(let (x) (dotimes (i 100000) (setq x (list 'the 't x))) (eval (list 'setf x 1)))", "nested"},
		{"(let (x) (dotimes (i 100000) (setq x (list 'not x))) (typep 1 x))", "nested"},
		{"(let (x) (dotimes (i 100000) (setq x (list 'not x))) (eval (list 'if x 1)))", "nested"},
		{"(let ((x \"~a\")) (dotimes (i 20000) (setq x (format nil \"~~{~a~~}\" x))) (format nil x 1))", ""},
		{"(let ((s (make-string 100000 :initial-element #\\())) (read-from-string s))", "nested"},
		{"(defun f (&rest r) (apply #'f 1 r)) (f)", ""},
		{"(defmacro m (&rest r) `(m 1 ,@r)) (m)", ""},
		{"(deftype a () 'b) (deftype b () 'a) (typep 1 'a)", "without end"},
		{"(define-condition a (b) ()) (define-condition b (a) ()) 1", "is not a condition type"},
		{"(sort (make-list 100000 :initial-element 1) (lambda (a b) (loop)))", "steps"},
		{"(let ((h (make-hash-table :test 'equal)) (l (list 1))) (setf (cdr l) l) (setf (gethash l h) 1) (gethash l h) (error \"done\"))", "done"},
		{"(let ((h (make-hash-table :test 'equalp))) (setf (gethash h h) 1) (gethash h h) (error \"done\"))", "done"},
		{"(dotimes (i (expt 10 30)))", "steps"},
		{"(catch 'x (loop (catch 'y (throw 'y 1))))", "steps"},
		{"(tagbody a (mapc (lambda (x) (go a)) '(1)))", "steps"},
		{"(let ((f nil)) (setq f (lambda () (funcall f))) (funcall f))", "nested more than"},
		{"(let ((f #'not)) (loop (setq f (complement f))) )", ""},
		{"(let ((f #'not)) (dotimes (i 100000) (setq f (complement f))) (funcall f 1))", "nested more than"},
		{"(loop for i from 0 collect i)", "memory"},
		{"(progn (defun f () (eval '(f))) (f))", "nested more than"},
		{"(let ((x '(1))) (nconc x x) (append x 1))", ""},
		{"(lcm (expt 3 100000) (expt 5 100000) (parse-integer (make-string 3000000 :initial-element #\\9)))", ""},
		{deep, ""},
		{strings.Repeat("'", 100_000) + "a", ""},
		{"#" + strings.Repeat("(", 100_000), ""},
	} {
		start := time.Now()
		e := firstError(t, New(Options{MaxSteps: 10_000_000, MaxCells: 10_000_000}), c.form)
		if !strings.Contains(e.What, c.what) {
			t.Errorf("%.90s: %q, want %q", c.form, e.What, c.what)
		}
		if d := time.Since(start); d > time.Minute { // a guard against hanging, on any machine
			t.Errorf("%.90s: took %v", c.form, d)
		} else if testing.Verbose() && d > 500*time.Millisecond {
			t.Logf("%.90s: %v", c.form, d)
		}
	}
}
