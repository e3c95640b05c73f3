package lisp

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

func mustEval(t testing.TB, in *Interp, text string) Value {
	t.Helper()
	v, err := evalText(in, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func parse(t testing.TB, in *Interp, text string) Value {
	t.Helper()
	forms, errs := sexp.ReadAll(source.NewFile("t", text), in.Table(), nil)
	if errs != nil || len(forms) != 1 {
		t.Fatal(text, errs)
	}
	return forms[0].V
}

// TestSpecial: a special operator of the host sees macros and values of the
// code around it, at once and later.
func TestSpecial(t *testing.T) {
	var in *Interp
	var seen []string
	var later func() string
	sp := Special{Name: "DECLARE-IT", Params: "form", Fn: func(in *Interp, form *sexp.Cons, env *Env) Value {
		x := form.Cdr.(*sexp.Cons).Car
		v, err := in.Eval(x, env)
		if err != nil {
			in.Fail(source.AsList(err)[0])
		}
		seen = append(seen, sexp.Print(v))
		later = func() string {
			v, err := in.Eval(x, env)
			return fmt.Sprint(sexp.Print(v), err)
		}
		return v
	}}
	in = New(Options{Specials: []Special{sp}})
	mustEval(t, in, `
		(declare-it (+ 1 2))
		(let ((n 5)) (declare-it (* n 2)))
		(dolist (n '(1 2)) (let ((m n)) (mapc (lambda (k) (declare-it (list n m k))) '(a))))
		(macrolet ((twice (x) (list '* 2 x))) (declare-it (twice 4)))
		(macrolet ((twice (x) (list '* 2 x))) (let ((z 3)) (declare-it (twice z))))
		(flet ((f (x) (+ x 100))) (declare-it (f 1)))
		(let ((c 0)) (declare-it (incf c)) (declare-it c))`)
	if got, want := strings.Join(seen, " "), "3 10 (1 1 a) (2 2 a) 8 6 101 1 1"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	mustEval(t, in, "(let ((n 7)) (declare-it n)) (let ((q 1) (r 2)) (list q r))")
	if got := later(); got != "7<nil>" && got != "7 <nil>" {
		t.Errorf("later: %s", got)
	}
	if v := mustEval(t, in, "(handler-case (declare-it (error \"no\")) (error (e) (princ-to-string e)))"); sexp.Print(v) != `"no"` {
		t.Errorf("handler: %s", sexp.Print(v))
	}
	if v := mustEval(t, in, "(catch 'x (declare-it (throw 'x 5)))"); sexp.Print(v) != "5" {
		t.Errorf("throw through the host: %s", sexp.Print(v))
	}
	if v := mustEval(t, in, "(let ((n 4)) (defmacro four () n) (defun five () (+ n 1))) (list (four) (five))"); sexp.Print(v) != "(4 5)" {
		t.Errorf("definitions inside of let: %s", sexp.Print(v))
	}
	e := firstError(t, in, "(defmacro wrap (x) `(declare-it ,x)) (wrap (car 5))")
	if len(e.Expansion) != 1 || e.Expansion[0].Name != "wrap" {
		t.Errorf("expansion of an error in the host: %v", e.Expansion)
	}
	e = firstError(t, in, "(declare-it (loop))")
	if e.Code != "compile-time-limit" {
		t.Errorf("limit in the host: %v", e)
	}
}

func TestBuiltin(t *testing.T) {
	in := New(Options{Builtins: []Builtin{{Name: "SIZEOF", Min: 1, Max: 1, Params: "type", Doc: "its size", Fn: func(in *Interp, a []Value) Value {
		if a[0] == Value(in.Table().Intern("U32")) {
			return int64(4)
		}
		in.Failf(a[0], "unknown type `%s`", sexp.Print(a[0]))
		return nil
	}}}})
	if v := mustEval(t, in, "(mapcar #'sizeof '(u32))"); sexp.Print(v) != "(4)" {
		t.Error(sexp.Print(v))
	}
	e := firstError(t, in, "(list 1 (sizeof 'u33))")
	if e.What != "unknown type `u33`" || e.Pos.String() != "t:1:9" || e.Culprit == nil {
		t.Errorf("%v %v", e, e.Culprit)
	}
	if e = firstError(t, in, "(sizeof)"); e.Expected != "(sizeof type)" {
		t.Errorf("%q", e.Expected)
	}
	if d := in.Doc(in.Table().Intern("SIZEOF"), "function"); d != "its size" {
		t.Errorf("doc %q", d)
	}
}

func TestEnv(t *testing.T) {
	in := New(Options{})
	mustEval(t, in, "(defmacro m (x) `(global ,x)) (define-symbol-macro s (global-s))")
	env, err := in.WithMacrolet(nil, parse(t, in, "((m (x &environment e) `(local ,x ,(macroexpand-1 '(k) e))) (k () 'inner))"))
	if err != nil {
		t.Fatal(err)
	}
	env, err = in.WithSymbolMacrolet(env, parse(t, in, "((s (local-s)))"))
	if err != nil {
		t.Fatal(err)
	}
	sym := in.Table().Intern
	for _, c := range []struct {
		form string
		env  *Env
		want string
	}{
		{"(m 1)", nil, "(global 1)"},
		{"(m 1)", env, "(local 1 inner)"},
		{"(m 1)", env.Shadow(sym("M")), ""},
		{"s", nil, "(global-s)"},
		{"s", env, "(local-s)"},
		{"s", env.Shadow(sym("S")), ""},
		{"(car 1)", nil, ""},
		{"(k)", nil, ""},
		{"5", nil, ""},
	} {
		v, ok, err := in.Expand1(parse(t, in, c.form), c.env)
		got := ""
		if ok {
			got = sexp.Print(v)
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q %v, want %q", c.form, got, err, c.want)
		}
	}
	if _, ok := in.Macro(sym("M"), env.Shadow(sym("M"))); ok {
		t.Error("shadowed macro found")
	}
	if _, err := in.WithMacrolet(nil, parse(t, in, "(5)")); err == nil {
		t.Error("malformed macrolet")
	}
	e := source.AsList(func() error { _, _, err := in.Expand1(parse(t, in, "(m)"), env); return err }())
	if len(e) != 1 || e[0].Pos.String() != "t:1:1" || len(e[0].Expansion) != 1 {
		t.Errorf("%v", e)
	}
}

func TestGlobals(t *testing.T) {
	in := New(Options{})
	sym := in.Table().Intern
	mustEval(t, in, `(defconstant +k+ 5 "the k") (defvar *v* 1) (defun f (x) "adds" (+ x 1)) (defmacro m (a &key b) "docs" nil (list a b))`)
	if v, ok := in.Global(sym("+K+")); !ok || v != Value(int64(5)) || !in.IsConstant(sym("+K+")) {
		t.Error("constant")
	}
	if in.IsConstant(sym("*V*")) {
		t.Error("variable")
	}
	if _, ok := in.Global(sym("NOPE")); ok {
		t.Error("unbound")
	}
	in.SetGlobal(sym("*V*"), int64(9), false)
	if v := mustEval(t, in, "*v*"); v != Value(int64(9)) {
		t.Error(v)
	}
	if _, ok := in.GlobalFunction(sym("F")); !ok {
		t.Error("f")
	}
	if _, ok := in.GlobalFunction(sym("CAR")); ok {
		t.Error("car is none of the user's")
	}
	if d := in.Doc(sym("F"), "function"); d != "adds" {
		t.Errorf("%q", d)
	}
	if d := in.Doc(sym("+K+"), "variable"); d != "the k" {
		t.Errorf("%q", d)
	}
	if ll, ok := in.MacroLambdaList(sym("M")); !ok || sexp.Print(ll) != "(a &key b)" {
		t.Error(sexp.Print(ll))
	}
	fn, _ := in.GlobalFunction(sym("F"))
	if v, err := in.Apply(fn, []Value{int64(1)}); err != nil || v != Value(int64(2)) {
		t.Error(v, err)
	}
	if s := sexp.Print(fn); s != "#<function f>" {
		t.Error(s)
	}
}

// TestLibrary: what the prelude defines for program bodies does not get in the
// way of standard functions and operators in compile-time code.
func TestLibrary(t *testing.T) {
	lib := &Library{Names: map[*sexp.Symbol]bool{}}
	in := New(Options{Library: lib})
	defs := map[*sexp.Symbol]*sexp.Cons{}
	lib.Read = func(name *sexp.Symbol) *sexp.Cons { return defs[name] }
	for _, text := range []string{"(defmacro when (&rest x) `(body-when ,@x))", "(defmacro max (&rest x) `(body-max ,@x))", "(defun helper (x) (max x 3))", "(defmacro twice (x) (list '* 2 (helper x)))", "(defmacro broken (x) (if))"} {
		form := parse(t, in, text).(*sexp.Cons)
		name := form.Cdr.(*sexp.Cons).Car.(*sexp.Symbol)
		defs[name], lib.Names[name] = form, sexp.Print(form.Car) == "defmacro"
	}
	if v := mustEval(t, in, "(list (when t (max 1 2)) (twice 1))"); sexp.Print(v) != "(2 6)" {
		t.Error(sexp.Print(v))
	}
	v, ok, err := in.Expand1(parse(t, in, "(when a b)"), nil)
	if !ok || err != nil || sexp.Print(v) != "(body-when a b)" {
		t.Error(sexp.Print(v), err)
	}
	if v := mustEval(t, in, "(defmacro search (x) `(list ,x)) (list (funcall (lambda () (search 5))))"); sexp.Print(v) != "((5))" {
		t.Error(sexp.Print(v))
	}
	if e := firstError(t, in, "(broken 1)"); !strings.Contains(e.What, "`if`") {
		t.Error(e)
	}
}

// TestPlaces: a template's own conses have no place, what is inserted keeps
// its place, and so do the cells that list functions copy.
func TestPlaces(t *testing.T) {
	in := New(Options{})
	mustEval(t, in, "(defmacro m (x &body body) `(let ((v ,x)) (foo ,@body) (bar ,@(butlast body))))")
	form := parse(t, in, "(m (f 1) (a) sym (b))")
	v, _, err := in.Expand1(form, nil)
	if err != nil {
		t.Fatal(err)
	}
	var own, places []string
	var walk func(v Value)
	walk = func(v Value) {
		for c, ok := v.(*sexp.Cons); ok; c, ok = v.(*sexp.Cons) {
			if c.At.Known() {
				places = append(places, sexp.Print(c.Car)+"@"+c.At.String())
			} else if s, isSym := c.Car.(*sexp.Symbol); isSym {
				own = append(own, s.Display())
			}
			walk(c.Car)
			v = c.Cdr
		}
	}
	walk(v)
	if got := strings.Join(own, " "); got != "let v foo bar" {
		t.Errorf("without a place: %s", got)
	}
	if v.(*sexp.Cons).Pos.Known() {
		t.Error("the template has a place")
	}
	want := "f@t:1:5 1@t:1:7 (a)@t:1:10 a@t:1:11 sym@t:1:14 (b)@t:1:18 b@t:1:19 (a)@t:1:10 a@t:1:11 sym@t:1:14"
	if got := strings.Join(places, " "); got != want {
		t.Errorf("places\n got %s\nwant %s", got, want)
	}
	for _, op := range []string{"copy-list", "reverse", "(lambda (l) (append l nil))", "(lambda (l) (remove 1 l))", "(lambda (l) (subseq l 1))", "(lambda (l) (remove-duplicates l))",
		"(lambda (l) (sort l (lambda (a b) nil)))", "(lambda (l) (loop for x in (list l) append x))", "(lambda (l) (concatenate 'list l))", "copy-tree", "(lambda (l) `(,@l . nil))"} {
		mustEval(t, in, "(defmacro p (&rest l) (list 'quote (funcall #'"+op+" l)))")
		v, _, err := in.Expand1(parse(t, in, "(p aa bb cc)"), nil)
		if err != nil {
			t.Fatal(op, err)
		}
		list := v.(*sexp.Cons).Cdr.(*sexp.Cons).Car
		for c, ok := list.(*sexp.Cons); ok; c, ok = c.Cdr.(*sexp.Cons) {
			if strings.ToUpper(c.At.Text()) != c.Car.(*sexp.Symbol).Name {
				t.Errorf("%s: %s has the place of %q", op, sexp.Print(c.Car), c.At.Text())
			}
		}
	}
}

func TestOutput(t *testing.T) {
	var out strings.Builder
	var warnings []string
	in := New(Options{Out: func(s string) { out.WriteString(s) }, Warn: func(e *source.Error) { warnings = append(warnings, e.Pos.String()+" "+e.What) }})
	mustEval(t, in, "(format t \"a~%\") (princ \"b\") (print 'c) (warn \"careful: ~a\" 'Foo)")
	if got := out.String(); got != "a\nb\nC " {
		t.Errorf("%q", got)
	}
	if len(warnings) != 1 || warnings[0] != "t:1:41 careful: Foo" {
		t.Errorf("%q", warnings)
	}
	New(Options{}).EvalTop(parse(t, in, "(progn (print 1) (warn \"x\"))"), source.Pos{})
}

// TestGoroutines: evaluators share nothing that changes.
func TestGoroutines(t *testing.T) {
	base := sexp.NewTable(nil)
	form := func() Value {
		forms, _ := sexp.ReadAll(source.NewFile("p", "(defmacro m (&rest xs) `(list ,@(mapcar (lambda (x) `(* 2 ,x)) xs)))"), base, nil)
		return forms[0].V
	}()
	lib := &Library{Names: map[*sexp.Symbol]bool{base.Intern("M"): true}, Read: func(*sexp.Symbol) *sexp.Cons { return form.(*sexp.Cons) }}
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			in := New(Options{Table: sexp.NewTable(base), Library: lib})
			for range 20 {
				if v, err := evalText(in, "(let ((x 3)) (format nil \"~{~a~^ ~}\" (m x 2 (ignore-errors (error \"x\")  ))))"); err == nil {
					t.Error(v)
				}
				if v, err := evalText(in, "(m 1 2)"); err != nil || sexp.Print(v) != "(2 4)" {
					t.Error(v, err)
				}
			}
		}()
	}
	wg.Wait()
}

func TestTables(t *testing.T) {
	seen := map[string]bool{}
	for _, rows := range tables() {
		for _, r := range rows {
			if seen[r.name] {
				t.Errorf("%s stands twice in the tables", r.name)
			}
			seen[r.name] = true
			if r.name != strings.ToUpper(r.name) || r.fn == nil {
				t.Errorf("%s: bad row", r.name)
			}
		}
	}
	for _, sp := range specialTables() {
		for _, s := range sp {
			if seen[s.name] {
				t.Errorf("%s stands twice in the tables", s.name)
			}
			seen[s.name] = true
		}
	}
	for name := range manyValued {
		if !seen[name] {
			t.Errorf("%s gives many values but is not defined", name)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	table := sexp.NewTable(nil)
	for b.Loop() {
		New(Options{Table: table})
	}
}

// BenchmarkPrelude: 300 lazy macros, of which two are used.
func BenchmarkPrelude(b *testing.B) {
	base := sexp.NewTable(nil)
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "(defmacro with-thing-%d ((v form &key size) &body body) \"doc\" (let ((g (gensym))) `(let* ((,g ,form) (,v (+ ,g ,(or size 1)))) (when ,v ,@body))))\n", i)
	}
	forms, _ := sexp.ReadAll(source.NewFile("p", text.String()), base, nil)
	lib, defs := &Library{Names: map[*sexp.Symbol]bool{}}, map[*sexp.Symbol]*sexp.Cons{}
	for _, f := range forms {
		form := f.V.(*sexp.Cons)
		name := form.Cdr.(*sexp.Cons).Car.(*sexp.Symbol)
		defs[name], lib.Names[name] = form, true
	}
	lib.Read = func(name *sexp.Symbol) *sexp.Cons { return defs[name] }
	for b.Loop() {
		in := New(Options{Table: sexp.NewTable(base), Library: lib})
		for range 2 {
			if v := mustEval(b, in, "(list (with-thing-7 (x 5) (* x 2)) (with-thing-9 (x 5 :size 3) x))"); sexp.Print(v) != "(12 8)" {
				b.Fatal(sexp.Print(v))
			}
		}
	}
}

func BenchmarkFib(b *testing.B) {
	in := New(Options{MaxSteps: 1 << 60, MaxCells: 1 << 60})
	mustEval(b, in, "(defun fib (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))")
	form := parse(b, in, "(fib 20)")
	for b.Loop() {
		if _, err := in.EvalTop(form, source.Pos{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	for b.Loop() {
		build()
	}
}

// FuzzEval: whatever the text, there is a value or an error of the user's.
func FuzzEval(f *testing.F) {
	for _, s := range []string{"(let ((x `(a ,@(list 1 2)))) (format nil \"~{~a~^,~}\" x))", "(loop for (a . b) in '((1 . 2)) collect a)",
		"(defmacro m (&whole w (a &optional b) &key c &body d) `(,a ,@d)) (m (1) :c 2)", "(handler-case (car 5) (error (e) e))", "(setf (getf (car (list nil)) :a) 1)",
		"(labels ((f (x) (return-from f x))) #'f)", "(tagbody a (go b) b)", "(make-array '(2 2))", "``(a ,,@b)", "(destructuring-bind (a . b) '(1) a)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in := New(Options{MaxSteps: 100_000, MaxCells: 1_000_000})
		_, err := evalText(in, text)
		for _, e := range source.AsList(err) {
			if e.Severity == source.SevBug {
				t.Fatalf("%s: %v", text, e)
			}
		}
	})
}
