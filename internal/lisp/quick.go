package lisp

import "github.com/whistler-lang/whistler/internal/sexp"

// Most of what macros compute is on integers of a machine word, vectors and
// conses. For these the tables below have the answers of some functions; ok
// is false where the function itself has to answer, or to complain.

var quickTests = map[string]func(a, b Value) (yes, ok bool){
	"<":  compareWords(func(a, b int64) bool { return a < b }),
	"<=": compareWords(func(a, b int64) bool { return a <= b }),
	">":  compareWords(func(a, b int64) bool { return a > b }),
	">=": compareWords(func(a, b int64) bool { return a >= b }),
	"=":  compareWords(func(a, b int64) bool { return a == b }),
	"/=": compareWords(func(a, b int64) bool { return a != b }),
}

func compareWords(f func(a, b int64) bool) func(a, b Value) (yes, ok bool) {
	return func(a, b Value) (bool, bool) {
		x, ok1 := a.(int64)
		y, ok2 := b.(int64)
		return ok1 && ok2 && f(x, y), ok1 && ok2
	}
}

var quick2 = map[string]func(a, b Value) (v Value, ok bool){
	"+": func(a, b Value) (Value, bool) {
		x, ok1 := a.(int64)
		y, ok2 := b.(int64)
		sum := x + y
		return sum, ok1 && ok2 && (x^sum)&(y^sum) >= 0
	},
	"-": func(a, b Value) (Value, bool) {
		x, ok1 := a.(int64)
		y, ok2 := b.(int64)
		d := x - y
		return d, ok1 && ok2 && (x^y)&(x^d) >= 0
	},
	"AREF": func(a, b Value) (Value, bool) {
		v, ok1 := a.(*sexp.Vector)
		i, ok2 := b.(int64)
		if !ok1 || !ok2 || i < 0 || i >= int64(len(v.Items)) {
			return nil, false
		}
		return v.Items[i], true
	},
}

var quick1 = map[string]func(a Value) (v Value, ok bool){
	"CAR": func(a Value) (Value, bool) {
		c, ok := a.(*sexp.Cons)
		if !ok {
			return nil, false
		}
		return c.Car, true
	},
	"CDR": func(a Value) (Value, bool) {
		c, ok := a.(*sexp.Cons)
		if !ok {
			return nil, false
		}
		return c.Cdr, true
	},
	"1+": func(a Value) (Value, bool) {
		x, ok := a.(int64)
		return x + 1, ok && x+1 > x
	},
	"1-": func(a Value) (Value, bool) {
		x, ok := a.(int64)
		return x - 1, ok && x-1 < x
	},
}

// quickTest compiles a test that compares two values, nil if x is none.
func (c *comp) quickTest(x *sexp.Cons) func(f *frame) bool {
	s, ok := x.Car.(*sexp.Symbol)
	if !ok || !s.Interned || s.Keyword || length(x.Cdr) != 2 || c.env.function(s) != nil || c.in.global(s).fn != nil || c.in.evalMacro(s) != nil {
		return nil
	}
	q := quickTests[s.Name]
	if q == nil {
		return nil
	}
	g, builtin, pos := c.ref(s), c.in.builtinFor(s), c.pos
	args := c.args(x)
	c.one = true
	a, b := args[0], args[1]
	slow := slow2(g, builtin, pos)
	return func(f *frame) bool {
		v, w := a(f), b(f)
		if g.fn(f.in, builtin) == nil {
			if yes, ok := q(v, w); ok {
				f.in.step()
				return yes
			}
		}
		return slow(v, w, f) != Value(sexp.Nil)
	}
}
