package lisp

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// shelf is a library as a host has it: texts that are read when somebody
// looks into them.
const shelf = `
(defmacro twice (x) (let ((stats x)) (values (list 'progn stats stats))))
(defmacro with-thing ((v form &key size) &body body) "doc" (let ((g (gensym))) ` + "`(let* ((,g ,form) (,v (+ ,g ,(or size 1)))) (when ,v ,@body))" + `))
(defmacro with-two ((v w) &body body) ` + "`(with-thing (,v 1) (with-thing (,w 2 :size ,(helper 3)) ,@body))" + `)
(defmacro inner (x) (list '* (wrap 1) x))
(defun outer (n) (list (inner n) (inner 2)))
(defun outermost () (let ((p (outer 1))) (push 0 (cdr p)) (incf (car p)) (loop for x in p collect x into xs finally (return xs))))
(defmacro far () (list 'quote (outermost)))
(defun farthest () (far))
(defun helper (n) (if (and (integerp n) (> n limit)) (wrap (+ n 1)) (if (eql n 100) capacity (car (list n 'counter)))))
(defmacro wrap (x) ` + "`(* 2 ,x)" + `)
(defun fixed () '(1 2 (3 4) :key))
(defun texts () (list "text" #(1 "in" 3)))
(defun tagged (x) (list 'counter (intern "COUNTER") :key (first x)))
(defmacro asks-host () (list 'quote (host-says)))
(defmacro uses-host (x) (list 'quote (list (asks-host) x (host-says))))
(defun sums (&rest xs) (let ((n 0)) (dolist (x xs n) (incf n (if (eq x 'counter) 10 x)))))
(defun deep (n) (if (= n 0) 0 (+ 1 (deep (1- n)))))
(defun setter (x) (let ((p (list 1 2))) (setf (thing p) x) p))
(defmacro setter-m (x) (setf (get 'setter-m 'n) x) (list 'quote (get 'setter-m 'n)))
(defun prints (x) (let ((*print-base* 16)) (format nil "~a ~s ~a" x x *print-base*)))
(defun catches (x) (handler-case (car x) (error (e) (declare (ignore e)) 'caught)))
`

type library struct {
	base *sexp.Table
	at   map[*sexp.Symbol]source.Pos
	lib  map[*sexp.Symbol]bool
}

func newLibrary() *library {
	l := &library{base: sexp.NewTable(nil), at: map[*sexp.Symbol]source.Pos{}, lib: map[*sexp.Symbol]bool{}}
	f := source.NewFile("shelf", shelf)
	f.Fixed = true
	forms, _ := sexp.ReadAll(f, sexp.NewTable(nil), nil)
	for _, form := range forms {
		c := form.V.(*sexp.Cons)
		name := c.Cdr.(*sexp.Cons).Car.(*sexp.Symbol)
		sym := l.base.InternAs(name.Name, name.Spelling)
		l.at[sym], l.lib[sym] = form.Pos, c.Car.(*sexp.Symbol).Name == "DEFMACRO"
	}
	return l
}

func (l *library) options(says string) Options {
	table := sexp.NewTable(l.base)
	return Options{Table: table, Library: &Library{Names: l.lib, Read: func(name *sexp.Symbol) *sexp.Cons {
		v, err := sexp.ReadAt(l.at[name], table)
		if err != nil {
			panic(err)
		}
		return v.(*sexp.Cons)
	}}, Constant: func(name string) (int64, bool) { return 2, name == "LIMIT" || name == "CAPACITY" },
		Builtins: []Builtin{{Name: "HOST-SAYS", Fn: func(in *Interp, _ []Value) Value { return in.str(says) }}}}
}

// run evaluates the forms of a text, and says what each gave.
func (l *library) run(text, says string, image *Image, steps, cells int64) string {
	o := l.options(says)
	o.Image, o.MaxSteps, o.MaxCells = image, steps, cells
	in := New(o)
	forms, errs := sexp.ReadAll(source.NewFile("t", text), in.Table(), nil)
	var out strings.Builder
	for _, e := range errs {
		fmt.Fprintln(&out, e)
	}
	for _, form := range forms {
		v, err := in.EvalTop(form.V, form.Pos)
		if err != nil {
			for _, e := range source.AsList(err) {
				out.WriteString(e.Render(source.Style{}))
			}
			continue
		}
		fmt.Fprintln(&out, sexp.Print(v), sexp.Display(v))
	}
	return out.String()
}

// sources use the library, and do to it what they can.
var sources = []string{
	"(twice 3) (with-two (a b) (list a b)) (helper 1) (helper 5) (tagged '(1)) (sums 1 2 3)",
	"(defmacro wrap (x) (list '+ 1000 x)) (helper 5) (wrap 1)",                               // before it is used
	"(helper 5) (defmacro wrap (x) (list '+ 1000 x)) (helper 5) (wrap 1) (with-two (a b) b)", // after
	"(defun car (x) (list 'mine x)) (helper 1) (tagged '(1)) (car 1)",
	"(helper 1) (defun car (x) (list 'mine x)) (helper 1) (defun first (x) x) (tagged '(1))",
	"(setf (symbol-function '1-) (lambda (x) 0)) (deep 3)",
	"(defun helper (n) (list 'own n)) (with-two (a b) (list a b)) (macroexpand-1 '(with-two (a b) c))",
	"(defun Counter (X) x) (tagged '(1)) (sums 'Counter 1) (Counter)",
	"(define-symbol-macro limit 100) (helper 5) (with-two (a b) b)",
	"(helper 5) (define-symbol-macro limit 100) (helper 5) limit",
	"(defvar limit 100) (helper 50) (let ((limit 1)) (helper 50))",
	"(defparameter stats 1) (twice stats) (let ((stats 2)) (twice stats)) (macroexpand-1 '(twice 1))",
	"(defconstant stats 1) (twice 1)",
	"(find-symbol \"STATS\") (twice 1) (find-symbol \"STATS\") (multiple-value-list (intern \"STATS\")) (multiple-value-list (intern \"XS\"))",
	"(multiple-value-list (intern \"XS\")) (sums 1) (multiple-value-list (intern \"XS\"))",
	"(symbol-name (gensym)) (with-thing (x 1) x) (symbol-name (gensym)) (macroexpand-1 '(with-thing (x 1) x))",
	"(macroexpand '(with-two (a b) c)) (symbol-name (gensym))",
	"(nconc (fixed) '(5)) (fixed) (setf (car (fixed)) 9) (fixed) (setf (second (fixed)) 1) (rplacd (third (fixed)) nil) (fixed)",
	"(loop for x in '(1 2) nconc (fixed)) (mapcan #'identity (list (fixed) (fixed))) (nreverse (fixed)) (sort (fixed) #'<) (fixed)",
	"(fill (fixed) 0) (replace (fixed) '(7)) (push 1 (cdr (fixed))) (fixed)",
	"(setf (char (first (texts)) 0) #\\x) (setf (aref (second (texts)) 1) 5) (fill (first (texts)) #\\y) (replace (second (texts)) '(9)) (texts)",
	"(setf (char (aref (second (texts)) 1) 0) #\\x) (nreverse (second (texts))) (sort (second (texts)) #'<) (nstring-upcase (first (texts))) (texts)",
	"(format (first (texts)) \"x\") (vector-push-extend #\\x (first (texts))) (with-output-to-string (s (first (texts))) (princ 1 s)) (texts)",
	"(asks-host) (uses-host 1) (asks-host)",
	"(defsetf thing rplaca) (setter 5) (defsetf thing rplacd) (setter 5)",
	"(setter 5)",
	"(setter-m 1) (setter-m 2) (get 'setter-m 'n)",
	"(prints 20) (setf *print-base* 8) (prints 20)",
	"(catches 1) (define-condition error (condition) ()) (catches '(1))",
	"(helper) (helper 1 2) (with-two) (with-thing (1 2 3) 4) (deep 'a) (fixed 1) (limits) Stat (sum 1)",
	"(fmakunbound 'wrap) (helper 5) (fmakunbound 'helper) (helper 1)",
	"(helper 5) (fmakunbound 'wrap) (helper 5) (with-two (a b) b)",
	"(flet ((helper (x) (list 'local x))) (list (helper 1) (with-two (a b) b))) (macrolet ((wrap (x) 0)) (list (wrap 1) (helper 5)))",
	"(documentation 'with-thing 'function) (with-thing (a 1) a) (function-lambda-expression #'helper)",
	"(deep 20000)",
	"(outer 1) (defmacro wrap (x) (list '+ 1000 x)) (inner 2) (outer 1) (farthest) (outermost)",
	"(defmacro wrap (x) (list '+ 1000 x)) (inner 2) (fmakunbound 'wrap) (outer 1)",
	"(defun wrapper (x) x) (inner 2) (defmacro inner (x) 5) (outer 1) (outermost) (farthest)",
	"(farthest) (symbol-name (gensym)) (inner 3) (defmacro inner (x) 5) (outer 1)",
	"(helper 5) capacty",
	"(helper 5) limti (helpr 1) (outermst) stat",
	"(Twice 1) (STATS) stats limit (let ((Limit 3)) Limit) (quote (Data :Key))",
}

// TestImage wants every source to give the same with an image as without, how
// much or little is in it, whatever is limited, and in many goroutines.
func TestImage(t *testing.T) {
	l := newLibrary()
	type limit struct{ steps, cells int64 }
	limits := []limit{{}}
	for n := int64(1); n < 3000; n += n/3 + 3 {
		limits = append(limits, limit{n, 0}, limit{0, n})
	}
	type key struct {
		text string
		limit
	}
	want := map[key]string{}
	var deep []string // as deep as it goes
	for n := 9960; n < 10_000; n += 4 {
		deep = append(deep, fmt.Sprintf("(defun down (n) (if (= n 0) (eval '(with-two (a b) (farthest))) (car (list (down (1- n)))))) (down %d) (down 1)", n))
	}
	for _, text := range deep {
		want[key{text, limit{}}] = l.run(text, "A", nil, 0, 0)
	}
	for _, text := range sources {
		for _, n := range limits {
			want[key{text, n}] = l.run(text, "A", nil, n.steps, n.cells)
		}
	}
	compare := func(image *Image, text string, n limit) {
		t.Helper()
		if got := l.run(text, "A", image, n.steps, n.cells); got != want[key{text, n}] {
			t.Errorf("%s\nwith %+v, with an image:\n%swithout:\n%s", text, n, got, want[key{text, n}])
		}
	}
	for first := 0; first < len(sources); first += 3 { // whatever comes first into an image
		image := NewImage(l.options("image"))
		for range 3 {
			compare(image, sources[first], limit{})
		}
		for i := range sources {
			compare(image, sources[(first+i)%len(sources)], limit{})
		}
	}
	image := NewImage(l.options("image"))
	var wg sync.WaitGroup
	for k := range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range sources {
				for _, n := range limits {
					compare(image, sources[(i*(k+1)+k)%len(sources)], n)
				}
			}
		}()
	}
	wg.Wait()
	for _, text := range deep {
		image := NewImage(l.options("image"))
		for range 3 {
			compare(image, text, limit{})
		}
	}
	if got := l.run("(asks-host) (uses-host 1)", "B", image, 0, 0); !strings.Contains(got, "B") || strings.Contains(got, "image") {
		t.Errorf("the host that is asked is another's: %s", got)
	}
	shared := map[string]bool{}
	for name, s := range image.done {
		shared[name.Name] = s.lam != nil
	}
	for _, name := range []string{"TWICE", "WITH-THING", "WITH-TWO", "HELPER", "FIXED", "TEXTS", "TAGGED", "SUMS", "DEEP", "ASKS-HOST", "PRINTS", "INNER", "OUTER", "OUTERMOST", "FARTHEST"} {
		if !shared[name] {
			t.Errorf("%s is not shared", name)
		}
	}
}
