package lisp

import (
	"sort"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
)

// dice is a small generator of numbers, the same ones every time.
type dice uint64

func (d *dice) roll(n int) int {
	*d = *d*6364136223846793005 + 1442695040888963407
	return int(uint64(*d) >> 33 % uint64(n))
}

// pool are argument forms of all kinds.
var pool = []string{"nil", "t", "0", "1", "-1", "2", "5", "1/2", "-2.5", "0.0", "(expt 2 80)", "(- (expt 2 63))", "-9223372036854775808", "9223372036854775807", `#\a`, `#\Space`, `""`, `"abc"`, `(copy-seq "hello")`, "'foo", "':key", "'(1 2 3)",
	"(list 3 1 2)", "'(a . b)", "'((a . 1) (b . 2))", "'(:a 1 :b 2)", "(vector 1 2 3)", "#()", "(make-array 4 :fill-pointer 2)", "(make-array '(2 2))", "(make-array nil)", "(make-hash-table :test 'equal)",
	"#'car", "#'list", "#'+", "(lambda (x) x)", "(lambda (&rest r) r)", "(lambda () 1)", "(make-string-output-stream)", `(make-string-input-stream "a b")`, "(make-condition 'error)", "'error", "'string", "'list", "'vector", "'(integer 0 5)",
	":test", ":key", ":start", ":end", ":from-end", ":count", ":initial-value", ":radix", ":initial-element", "'(lambda (x) x)", "'(car x)", "(byte 3 2)", `"~a ~{~a~} ~5,2f~%"`, "(let ((l (list 1 2))) (setf (cdr l) l))", "#'equal", "'(setf car)", "*package*", "1e300", "2147483647", "4294967296"}

// TestEveryFunction calls every standard function with all kinds of
// arguments: whatever comes of it, the evaluator itself does not fail.
func TestEveryFunction(t *testing.T) {
	index.once.Do(build)
	var names []string
	for n := range index.rows {
		names = append(names, n)
	}
	sort.Strings(names)
	d := dice(1)
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	for _, name := range names {
		fn := "#'" + lower(name)
		for range rounds {
			n := d.roll(5)
			lo, hi := arity(index.rows[name].params)
			n += lo
			if hi >= 0 && n > hi {
				n = hi
			}
			var b strings.Builder
			b.WriteString("(funcall " + fn)
			for range n {
				b.WriteString(" " + pool[d.roll(len(pool))])
			}
			b.WriteString(")")
			checkNoBug(t, b.String())
		}
	}
}

func checkNoBug(t *testing.T, text string) {
	t.Helper()
	in := New(Options{MaxSteps: 20_000, MaxCells: 200_000})
	v, err := evalText(in, text)
	for _, e := range source.AsList(err) {
		if e.Severity == source.SevBug {
			t.Errorf("%s: %v", text, e)
		}
	}
	if err == nil {
		if _, err := in.Apply(in.table.Intern("PRIN1-TO-STRING"), []Value{v}); err != nil {
			if e := source.AsList(err)[0]; e.Severity == source.SevBug {
				t.Errorf("printing %s: %v", text, e)
			}
		}
	}
}

// TestEverySpecial builds forms of every operator from random parts.
func TestEverySpecial(t *testing.T) {
	index.once.Do(build)
	var names []string
	for n := range index.specials {
		names = append(names, lower(n))
	}
	sort.Strings(names)
	names = append(names, "car", "list", "+", "mapcar", "funcall")
	words := []string{"x", "y", "foo", "nil", "t", "1", "5", `"s"`, ":key", "&rest", "&key", "&optional", "&body", "&whole", "&aux", "for", "in", "from", "to", "collect", "into", "do", "when", "else", "being", "the", "=", "then", "and", "return", "it", "with", "finally", "#'car", "`(a ,@x)", ",x", "'(1 2)", "(x 1)", "(x)", "((x 1) (y 2))", "((x) 1)", "(x . 1)", "((f (a) a))", "(setf foo)", "otherwise", "error", "(declare (special x))", "(values x y)", "(car x)"}
	d := dice(7)
	var form func(depth int) string
	form = func(depth int) string {
		if depth == 0 || d.roll(4) == 0 {
			return words[d.roll(len(words))]
		}
		var b strings.Builder
		b.WriteString("(")
		if d.roll(5) > 0 {
			b.WriteString(names[d.roll(len(names))])
		}
		for range d.roll(5) {
			b.WriteString(" " + form(depth-1))
		}
		if d.roll(30) == 0 {
			b.WriteString(" . x")
		}
		b.WriteString(")")
		return b.String()
	}
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	for _, n := range names {
		for range rounds {
			var b strings.Builder
			b.WriteString("(let ((x (list 1 2)) (y 3)) (" + n)
			for range d.roll(6) {
				b.WriteString(" " + form(3))
			}
			b.WriteString("))")
			checkNoBug(t, b.String())
		}
	}
}
