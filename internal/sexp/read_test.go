package sexp

import (
	"strings"
	"testing"

	"github.com/whistler-lang/whistler/internal/source"
)

var testFeatures = Features{"WHISTLER": true, "LINUX": true}

func readAll(text string) ([]Located, source.List) {
	return ReadAll(source.NewFile("t.lisp", text), NewTable(nil), testFeatures)
}

// TestReadPrint reads a datum and prints it: in the canonical form, which
// reads as the same again.
func TestReadPrint(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"foo", "foo"}, {"Foo", "foo"}, {"|Foo|", "|Foo|"}, {"|FOO|", "foo"}, {"|a b|", "|a b|"}, {"a\\ b", "|A B|"}, {"||", "||"},
		{"f|oO|o", "|FoOO|"}, {":key", ":key"}, {":|Any Case|", ":|Any Case|"}, {"#:name", "#:name"}, {"keyword:foo", ":foo"},
		{"whistler:getmap", "getmap"}, {"whistler/loader::x", "x"}, {"bpf:map", "|BPF:MAP|"}, {"nil", "nil"}, {"()", "nil"}, {"( )", "nil"}, {"t", "t"},
		{"1", "1"}, {"-1", "-1"}, {"+1", "1"}, {"12.", "12"}, {"007", "7"}, {"1+", "1+"}, {"-", "-"}, {"+", "+"}, {"...a", "...a"}, {"-a", "-a"}, {"1a", "1a"}, {"+-1", "+-1"},
		{"#xFF", "255"}, {"#b101", "5"}, {"#o17", "15"}, {"#x-10", "-16"}, {"#xffffffffffffffff", "18446744073709551615"},
		{"18446744073709551615", "18446744073709551615"}, {"-9223372036854775808", "-9223372036854775808"}, {"#b1/10", "1/2"},
		{"1/2", "1/2"}, {"-6/4", "-3/2"}, {"4/2", "2"}, {"010/2", "5"}, {"00/008", "0"}, {"1.5", "1.5"}, {"-0.5", "-0.5"}, {".5", "0.5"}, {"1e3", "1000.0"}, {"1.5d-10", "1.5e-10"}, {"1e21", "1.0e21"}, {"1f0", "1.0"},
		{`"a"`, `"a"`}, {`"a\"b\\c"`, `"a\"b\\c"`}, {"\"two\nlines\"", "\"two\nlines\""}, {`"é→😀"`, `"é→😀"`}, {`""`, `""`},
		{`#\A`, `#\A`}, {`#\Space`, `#\Space`}, {`#\newline`, `#\Newline`}, {`#\(`, `#\(`}, {`#\;`, `#\;`}, {`#\U+41`, `#\A`}, {`#\Nul`, `#\Null`}, {`#\é`, `#\é`}, {`#\ `, `#\Space`},
		{"(a b c)", "(a b c)"}, {"(a . b)", "(a . b)"}, {"(a b . c)", "(a b . c)"}, {"(a . (b c))", "(a b c)"}, {"(a .b)", "(a .b)"}, {"(a.b)", "(a.b)"}, {"(a . nil)", "(a)"},
		{"'a", "'a"}, {"(quote a)", "'a"}, {"(quote a b)", "(quote a b)"}, {"(quote)", "(quote)"}, {"(quote . a)", "(quote . a)"}, {"#'f", "#'f"},
		{"`(a ,b ,@c)", "`(a ,b ,@c)"}, {"``(a ,,b)", "``(a ,,b)"}, {"(a . ,b)", "(a unquote b)"}, {", @a", ", @a"}, {",@a", ",@a"},
		{"#(1 2)", "#(1 2)"}, {"#()", "#()"}, {"'#(a)", "'#(a)"},
		{"; c\n a ; d", "a"}, {"#| a #| b |# c |# x", "x"}, {"(a #|x|# b)", "(a b)"}, {"\ufeff a", "a"},
		{"#+whistler a", "a"}, {"(#+sbcl a b)", "(b)"}, {"(#-sbcl a b)", "(a b)"}, {"#+(and whistler (not sbcl)) a", "a"}, {"(#+(or sbcl ccl) a)", "nil"},
		{"(#+sbcl 99999999999999999999999999 b)", "(b)"}, {"(a #+sbcl b . c)", "(a . c)"}, {"(#+sbcl #+ccl a b c)", "(c)"},
		{"ß", "ß"}, {"über", "über"},
	} {
		forms, errs := readAll(c.in)
		if errs != nil || len(forms) != 1 {
			t.Errorf("%q: %d data, %v", c.in, len(forms), errs)
			continue
		}
		got := Print(forms[0].V)
		if got != c.out {
			t.Errorf("%q prints %q, want %q", c.in, got, c.out)
		}
		again, errs := readAll(got)
		if errs != nil || len(again) != 1 || Print(again[0].V) != got {
			t.Errorf("%q does not read back: %v", got, errs)
		}
	}
}

// TestReadErrors: ^ stands before the place of the error.
func TestReadErrors(t *testing.T) {
	for _, c := range []struct{ in, what string }{
		{"(a b^)) c", "unbalanced `)`"},
		{"x\n^(defun f (a)\n  (b a)", "never closed"},
		{"(a ^\"abc", "this string is never closed"},
		{"(a ^#| x", "this comment is never closed"},
		{"(a ^|b", "this `|` is never closed"},
		{"(a ^. b c)", "more than one datum follows"},
		{"(a ^. )", "nothing follows the dot"},
		{"(^. a)", "is not a datum"},
		{"(^'\n)", "nothing follows"},
		{"^#.(a)", "`#.` is refused"},
		{"^#q", "unknown reader syntax `#q`"},
		{"^#x", "is not a number in base 16"},
		{"^#xfg", "is not a number in base 16"},
		{"^#\\foo", "unknown character name `foo`"},
		{"(x ^18446744073709551616)", "does not fit in 64 bits"},
		{"^-9223372036854775809", "does not fit in 64 bits"},
		{"^#x1ffffffffffffffff", "does not fit in 64 bits"},
		{"^...", "is not a datum"},
		{"^:", "a keyword needs a name"},
		{"^foo:", "no name follows the package prefix"},
		{"^#+(nand a) b", "malformed feature test"},
		{"^#(a . b)", "a vector cannot have a dotted tail"},
		{"^#", "nothing follows `#`"},
		{"^#+a", "nothing follows"},
	} {
		text := strings.Replace(c.in, "^", "", 1)
		want := strings.IndexByte(c.in, '^')
		if c.in == "(a b^)) c" {
			want = 5
		}
		if strings.Contains(c.in, "^. b c") { // the second datum is the one too many
			want = 7
		}
		_, errs := readAll(text)
		if len(errs) == 0 {
			t.Errorf("%q: no error", text)
			continue
		}
		if !strings.Contains(errs[0].What, c.what) || int(errs[0].Pos.Start) != want {
			t.Errorf("%q: %q at %d, want %q at %d", text, errs[0].What, errs[0].Pos.Start, c.what, want)
		}
	}
}

func TestReadGoesOn(t *testing.T) {
	forms, errs := readAll("(a))\n(b #q)\n(c)\n(d \"x)\n(e)")
	if len(errs) != 3 {
		t.Errorf("%d errors: %v", len(errs), errs)
	}
	if len(forms) < 2 || Print(forms[1].V) != "(c)" {
		t.Errorf("%v", forms)
	}
}

// TestPlaces: every list, every item and every tail knows its text.
func TestPlaces(t *testing.T) {
	text := "(foo (bar 1)\n  'baz #(1 x) \"s\" . tail)"
	forms, errs := readAll(text)
	if errs != nil {
		t.Fatal(errs)
	}
	c := forms[0].V.(*Cons)
	var got []string
	for ok := true; ok; c, ok = c.Cdr.(*Cons) {
		got = append(got, c.At.Text()+"|"+c.Pos.Text())
	}
	want := []string{
		"foo|" + text, "(bar 1)|" + text[5:], "'baz|" + text[15:], "#(1 x)|" + text[20:], "\"s\"|" + text[27:],
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s := forms[0].Pos.String(); s != "t.lisp:1:1" {
		t.Error(s)
	}
	// Columns count characters.
	forms, _ = readAll("(é→ (x))")
	if s := forms[0].V.(*Cons).Cdr.(*Cons).At.String(); s != "t.lisp:1:5" {
		t.Error(s)
	}
	// What a list inside another spans is its own.
	forms, _ = readAll("(a . (b c))")
	if s := forms[0].V.(*Cons).Cdr.(*Cons).Pos.Text(); s != "(b c)" {
		t.Errorf("%q", s)
	}
}

func TestSpelling(t *testing.T) {
	table := NewTable(nil)
	forms, _ := ReadAll(source.NewFile("t", "myVar :myKey |Bar| whistler:getMap"), table, nil)
	var got []string
	for _, f := range forms {
		got = append(got, f.V.(*Symbol).Display())
	}
	if s := strings.Join(got, " "); s != "myVar :myKey bar getMap" {
		t.Error(s)
	}
	// The first spelling stays; a table on top shares its base's symbols.
	top := NewTable(table)
	forms, _ = ReadAll(source.NewFile("t", "MYVAR other"), top, nil)
	if forms[0].V != Value(table.Find("MYVAR")) || table.Find("OTHER") != nil {
		t.Error("tables")
	}
}

func TestDeep(t *testing.T) {
	for _, unit := range []string{"(", "'", "`(", "#(", "#+whistler ", ",", "#'"} {
		_, errs := readAll(strings.Repeat(unit, 200_000))
		if len(errs) == 0 {
			t.Errorf("%q: no error", unit)
		}
	}
	// Circular and deep data print in part.
	c := &Cons{Car: T, Cdr: Nil}
	c.Cdr = c
	Print(c)
	c.Car = c
	Print(c)
	var v Value = Nil
	for range 1_000_000 {
		v = List(v)
	}
	Print(v)
}

// FuzzRead: what is read prints as text that reads as the same, and every
// place lies within the text.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"(a . b)", "`(a ,@b #(1 2.5) \"x\\\"\" #\\A)", "#+(and a b) c", "|a\\|b|", "#:foo :bar 1/2 -3 #xff", "(quote a b)", ", @x", "a:b:c", "#| x |# ; y\nz", "(a unquote b)", "#\\ a", "1e400", ".5", "+.e1", "\\a|b|"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		forms, errs := readAll(text)
		for _, e := range errs {
			if e.Pos.Start < 0 || int(e.Pos.End) > len(text) || e.Pos.Start > e.Pos.End {
				t.Fatalf("%q: the error %q is at %d to %d", text, e.What, e.Pos.Start, e.Pos.End)
			}
			e.Render(source.Style{})
		}
		for _, form := range forms {
			if int(form.Pos.End) > len(text) || form.Pos.Start >= form.Pos.End {
				t.Fatalf("%q: place %d to %d", text, form.Pos.Start, form.Pos.End)
			}
			out := Print(form.V)
			if strings.Contains(out, "#:") { // uninterned symbols print alike, no more
				continue
			}
			again, errs := readAll(out)
			if errs != nil || len(again) != 1 {
				t.Fatalf("%q prints %q, which reads as %d data: %v", text, out, len(again), errs)
			}
			if twice := Print(again[0].V); twice != out {
				t.Fatalf("%q prints %q, then %q", text, out, twice)
			}
			if !same(form.V, again[0].V) {
				t.Fatalf("%q prints %q, which is something else", text, out)
			}
		}
	})
}

// same compares data of two tables.
func same(a, b Value) bool {
	switch x := a.(type) {
	case *Cons:
		y, ok := b.(*Cons)
		return ok && same(x.Car, y.Car) && same(x.Cdr, y.Cdr)
	case *Symbol:
		y, ok := b.(*Symbol)
		return ok && x.Name == y.Name && x.Keyword == y.Keyword
	case *Vector:
		y, ok := b.(*Vector)
		if !ok || len(x.Items) != len(y.Items) {
			return false
		}
		for i := range x.Items {
			if !same(x.Items[i], y.Items[i]) {
				return false
			}
		}
		return true
	}
	return Print(a) == Print(b)
}
