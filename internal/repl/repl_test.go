package repl

import (
	"errors"
	"strings"
	"testing"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/user"
)

func newVM(t *testing.T) (*REPL, *strings.Builder) {
	t.Helper()
	var out strings.Builder
	r, err := New(Options{User: user.Options{Arch: "amd64"}, Machine: &VM{Arch: "amd64"},
		World:   user.World{Stop: func() bool { return false }, Sleep: func(float64) bool { return true }, Now: func() float64 { return 5 }, Out: func(s string) { out.WriteString(s) }},
		Explain: func(err error, _ *whistler.Object) error { return err }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, &out
}

// TestPrompt enters forms one after the other: what each shows, or an error
// that has the text behind "!".
func TestPrompt(t *testing.T) {
	r, printed := newVM(t)
	for _, c := range []struct{ in, want string }{
		{"(+ 1 2)", "3\n"},
		{"(maps)", "no maps yet: (defmap name :type :array :key u32 :value u64 :max-entries 1)\n"},
		{"(defmap hits :type :hash :key u32 :value u64 :max-entries 8)", "map hits: hash, key 4 bytes, value 8 bytes, 8 entries\n"},
		{"(defprog p (:type :xdp) (incf (getmap hits 7)) XDP_PASS)", "program p: xdp, 25 slots, 16 bytes of stack\n"},
		{"(run p :packet (tcp-packet))", "2\n"},
		{"(run p :packet (tcp-packet) :repeat 4)", "2\n"},
		{"hits", "key  value\n7    5\n"},
		{"(show hits)", "key  value\n7    5\n"},
		{"(getmap hits 7)", "5\n"},
		{"(setq q (udp-packet :dport 99))", ""},
		{"(length q)", "42\n"},
		{"(defparameter *n* '(a :b \"c\"))", "*n*\n"},
		// The program is another now; the map has what it had, and so have variables.
		{"(defprog p (:type :xdp) (incf (getmap hits 7) 100) XDP_DROP)", "program p: xdp, 25 slots, 16 bytes of stack, replaced\n"},
		{"(list (run p :packet q) (getmap hits 7) *n*)", "(1 105 (a :b \"c\"))\n"},
		{"(undo)", "defprog p is undone\n"},
		{"(run p :packet q)", "2\n"},
		{"(getmap hits 7)", "106\n"},
		// What is wrong changes nothing.
		{"(defprog p (:type :xdp) (incf (getmap hist 7)) XDP_PASS)", "!did you mean `hits`"},
		{"(run p :packet q)", "2\n"},
		{"(undefined-thing)", "!undefined-thing"},
		{"(run p)", "!give it :packet"},
		{")", "!"},
		{"(is (= 1 2))", "!(= 1 2) does not hold"},
		{"(show nosuch)", "!there is no map nosuch"},
		// A macro is used by what comes behind; redefined, by what was before, too.
		{"(defmacro verdict () 'XDP_DROP)", "defmacro verdict\n"},
		{"(defprog m (:type :xdp) (verdict))", "program m: xdp, 2 slots, 0 bytes of stack\n"},
		{"(run m :packet q)", "1\n"},
		{"(defmacro verdict () 'XDP_TX)", "defmacro verdict, replaced\n"},
		{"(run m :packet q)", "3\n"},
		// A redefinition that needs what came later goes behind it.
		{"(defmacro other () 1)", "defmacro other\n"},
		{"(defmacro verdict () (list 'other))", "defmacro verdict, replaced\n"},
		{"(run m :packet q)", "1\n"},
		{"(defstruct pair (a u8) (b u8)) (make-pair :a 1)", "defstruct pair\n#<pair a=1 b=0>\n"},
		{"(format t \"x~%\")", "nil\n"},
		{"(programs)", "p  xdp  25 slots  16 bytes of stack  \nm  xdp  2 slots   0 bytes of stack   \n"},
	} {
		out, err := r.Eval(c.in)
		if want, wrong := strings.CutPrefix(c.want, "!"); wrong {
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Text, want) {
				t.Errorf("%s gives %q, %v; want an error with %q", c.in, out, err, want)
			}
			continue
		}
		if err != nil || c.want != "" && out != c.want {
			t.Errorf("%s gives\n%s%v, want\n%s", c.in, out, err, c.want)
		}
	}
	if printed.String() != "x\n" {
		t.Errorf("printed %q", printed)
	}
	if _, err := r.Eval("(quit)"); err != ErrQuit {
		t.Error(err)
	}
	if src := r.Source(); !strings.HasPrefix(src, "(defmap hits") || !strings.Contains(src, "(defmacro verdict () (list 'other))") {
		t.Error(src)
	}
}

func TestIncomplete(t *testing.T) {
	for text, want := range map[string]bool{"(a": true, "(a)": false, "(a \"b": true, "a": false, "": false, ")": false, "(a) (b": true, "; (": false, "#| x": true} {
		if Incomplete(text) != want {
			t.Errorf("%q", text)
		}
	}
}
