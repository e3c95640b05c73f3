package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

// setRows are the functions that look lists up: members, association lists
// and lists as sets.
func setRows() []row {
	rows := []row{
		{"ADJOIN", "item list &key key test test-not", func(in *Interp, a []Value) Value {
			t := in.tests(a[2:])
			if in.member(t, t.keyOf(in, a[0]), a[1]) != nil {
				return a[1]
			}
			return in.cons(a[0], a[1])
		}},
		{"UNION", "list list &key key test test-not", union}, {"NUNION", "list list &key key test test-not", union},
		{"SUBSETP", "list list &key key test test-not", func(in *Interp, a []Value) Value {
			t := in.tests(a[2:])
			ok := true
			in.eachCell(a[0], func(c *sexp.Cons) bool {
				ok = in.member(t, t.keyOf(in, c.Car), a[1]) != nil
				return ok
			})
			return truth(ok)
		}},
	}
	for _, prefix := range []string{"", "N"} {
		rows = append(rows,
			row{prefix + "INTERSECTION", "list list &key key test test-not", func(in *Interp, a []Value) Value { return in.pick(a, true) }},
			row{prefix + "SET-DIFFERENCE", "list list &key key test test-not", func(in *Interp, a []Value) Value { return in.pick(a, false) }},
			row{prefix + "SET-EXCLUSIVE-OR", "list list &key key test test-not", func(in *Interp, a []Value) Value {
				first := in.pick(a, false)
				swapped := append([]Value{a[1], a[0]}, a[2:]...)
				return in.appendTwo(first, in.pick(swapped, false))
			}})
	}
	// member, assoc and rassoc, by an item or a predicate.
	for _, v := range []struct{ suffix, mode, what string }{{"", "", "item"}, {"-IF", "if", "predicate"}, {"-IF-NOT", "if-not", "predicate"}} {
		hit := func(in *Interp, a []Value) func(v Value) bool {
			t := in.tests(a[2:])
			if v.mode == "" {
				item := a[0]
				return func(x Value) bool { return t.matches(in, item, x) }
			}
			pred, want := in.function(a[0]), v.mode == "if"
			return func(x Value) bool { return in.Truthy(in.call1(pred, t.keyOf(in, x))) == want }
		}
		params := v.what + " list &key key test test-not"
		rows = append(rows, row{"MEMBER" + v.suffix, params, func(in *Interp, a []Value) Value {
			test := hit(in, a)
			var found Value = sexp.Nil
			in.eachCell(a[1], func(c *sexp.Cons) bool {
				if test(c.Car) {
					found = c
				}
				return isNil(found)
			})
			return found
		}})
		pairs := func(name string, part func(c *sexp.Cons) Value) row {
			return row{name + v.suffix, params, func(in *Interp, a []Value) Value {
				test := hit(in, a)
				var found Value = sexp.Nil
				in.eachCell(a[1], func(c *sexp.Cons) bool {
					if isNil(c.Car) {
						return true
					}
					p, ok := c.Car.(*sexp.Cons)
					if !ok {
						in.typeError(c.Car, "a pair of an association list")
					}
					if test(part(p)) {
						found = p
					}
					return isNil(found)
				})
				return found
			}}
		}
		rows = append(rows, pairs("ASSOC", func(c *sexp.Cons) Value { return c.Car }), pairs("RASSOC", func(c *sexp.Cons) Value { return c.Cdr }))
	}
	return rows
}

// member finds the cons of list whose key is the same as key.
func (in *Interp) member(t tester, key, list Value) (found *sexp.Cons) {
	in.eachCell(list, func(c *sexp.Cons) bool {
		if t.same(in, key, t.keyOf(in, c.Car)) {
			found = c
		}
		return found == nil
	})
	return found
}

func union(in *Interp, a []Value) Value {
	t := in.tests(a[2:])
	v := a[1]
	in.eachCell(a[0], func(c *sexp.Cons) bool {
		if in.member(t, t.keyOf(in, c.Car), a[1]) == nil {
			n := in.cons(c.Car, v)
			n.At = c.At
			v = n
		}
		return true
	})
	return v
}

// pick gives the elements of the first list that are, or are not, in the
// second one.
func (in *Interp) pick(a []Value, want bool) Value {
	t := in.tests(a[2:])
	l := in.builder()
	in.eachCell(a[0], func(c *sexp.Cons) bool {
		if (in.member(t, t.keyOf(in, c.Car), a[1]) != nil) == want {
			l.copyOf(c)
		}
		return true
	})
	return l.head
}
