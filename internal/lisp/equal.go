package lisp

import (
	"math"
	"math/big"
	"unicode"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// eql compares identity; numbers and characters by value and kind.
func eql(a, b Value) bool {
	switch x := a.(type) {
	case *big.Int:
		y, ok := b.(*big.Int)
		return ok && x.Cmp(y) == 0
	case *big.Rat:
		y, ok := b.(*big.Rat)
		return ok && x.Cmp(y) == 0
	case float64:
		y, ok := b.(float64)
		return ok && math.Float64bits(x) == math.Float64bits(y)
	}
	return a == b
}

// equal also compares lists and strings by their parts.
func (in *Interp) equal(a, b Value) bool {
	for {
		switch x := a.(type) {
		case *sexp.Cons:
			y, ok := b.(*sexp.Cons)
			if !ok {
				return false
			}
			if x == y {
				return true
			}
			in.step()
			in.enter()
			same := in.equal(x.Car, y.Car)
			in.leave()
			if !same {
				return false
			}
			a, b = x.Cdr, y.Cdr
			continue
		case *sexp.String:
			y, ok := b.(*sexp.String)
			return ok && in.sameRunes(x.R, y.R)
		}
		return eql(a, b)
	}
}

func (in *Interp) sameRunes(a, b []rune) bool {
	if len(a) != len(b) {
		return false
	}
	in.steps(len(a) / 16)
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// equalp also ignores case and kinds of numbers, and compares arrays.
func (in *Interp) equalp(a, b Value) bool {
	in.step()
	if eql(a, b) {
		return true
	}
	switch x := a.(type) {
	case *sexp.Cons:
		y, ok := b.(*sexp.Cons)
		if !ok {
			return false
		}
		in.enter()
		defer in.leave()
		for {
			in.step()
			if !in.equalp(x.Car, y.Car) {
				return false
			}
			xn, ok1 := x.Cdr.(*sexp.Cons)
			yn, ok2 := y.Cdr.(*sexp.Cons)
			if !ok1 || !ok2 {
				return in.equalp(x.Cdr, y.Cdr)
			}
			x, y = xn, yn
		}
	case sexp.Char:
		y, ok := b.(sexp.Char)
		return ok && fold(rune(x)) == fold(rune(y))
	case int64, *big.Int, *big.Rat, float64:
		if !isNumber(b) {
			return false
		}
		s, ok := in.compare(a, b)
		return ok && s == 0
	case *sexp.String, *sexp.Vector:
		if !isVector(b) {
			return false
		}
		n := vectorLength(a)
		if n != vectorLength(b) {
			return false
		}
		in.enter()
		defer in.leave()
		for i := 0; i < n; i++ {
			if !in.equalp(vectorItem(a, i), vectorItem(b, i)) {
				return false
			}
		}
		return true
	case *Array:
		y, ok := b.(*Array)
		if !ok || len(x.dims) != len(y.dims) || len(x.items) != len(y.items) {
			return false
		}
		for i := range x.dims {
			if x.dims[i] != y.dims[i] {
				return false
			}
		}
		in.enter()
		defer in.leave()
		for i := range x.items {
			if !in.equalp(x.items[i], y.items[i]) {
				return false
			}
		}
		return true
	case *Table:
		y, ok := b.(*Table)
		if !ok || x.test != y.test || x.count() != y.count() {
			return false
		}
		in.enter()
		defer in.leave()
		for _, e := range x.entries {
			if e.gone {
				continue
			}
			v, ok := y.get(in, e.key)
			if !ok || !in.equalp(e.val, v) {
				return false
			}
		}
		return true
	}
	return false
}

// fold makes characters equal that differ in case only.
func fold(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

func treeRows() []row {
	return []row{
		{"EQ", "a b", func(in *Interp, a []Value) Value { return truth(eql(a[0], a[1])) }},
		{"EQL", "a b", func(in *Interp, a []Value) Value { return truth(eql(a[0], a[1])) }},
		{"EQUAL", "a b", func(in *Interp, a []Value) Value { return truth(in.equal(a[0], a[1])) }},
		{"EQUALP", "a b", func(in *Interp, a []Value) Value { return truth(in.equalp(a[0], a[1])) }},
		{"COPY-TREE", "tree", func(in *Interp, a []Value) Value {
			return in.mapTree(a[0], func(v Value) (Value, bool) { return v, false })
		}},
		{"TREE-EQUAL", "a b &key test test-not", func(in *Interp, a []Value) Value {
			t := in.tests(a[2:])
			return truth(in.treeEqual(a[0], a[1], t))
		}},
		{"SUBST", "new old tree &key key test test-not", subst},
		{"NSUBST", "new old tree &key key test test-not", subst},
		{"SUBST-IF", "new predicate tree &key key", func(in *Interp, a []Value) Value { return in.substIf(a, true) }},
		{"SUBST-IF-NOT", "new predicate tree &key key", func(in *Interp, a []Value) Value { return in.substIf(a, false) }},
		{"SUBLIS", "alist tree &key key test test-not", sublis},
		{"NSUBLIS", "alist tree &key key test test-not", sublis},
		{"SXHASH", "object", func(in *Interp, a []Value) Value {
			h := &hasher{in: in, h: 14695981039346656037}
			h.add(a[0], false)
			return int64(h.h >> 2)
		}},
	}
}

// mapTree copies a tree; replace may give another value for a subtree.
func (in *Interp) mapTree(v Value, replace func(v Value) (Value, bool)) Value {
	if r, ok := replace(v); ok {
		return r
	}
	c, ok := v.(*sexp.Cons)
	if !ok {
		return v
	}
	in.enter()
	defer in.leave()
	l := in.builder()
	for {
		in.step()
		n := l.add(in.mapTree(c.Car, replace))
		n.At, n.Pos = c.At, c.Pos
		if r, ok := replace(c.Cdr); ok {
			return l.end(r)
		}
		next, ok := c.Cdr.(*sexp.Cons)
		if !ok {
			return l.end(c.Cdr)
		}
		c = next
	}
}

func (in *Interp) treeEqual(a, b Value, t tester) bool {
	for {
		in.step()
		x, ok1 := a.(*sexp.Cons)
		y, ok2 := b.(*sexp.Cons)
		if ok1 != ok2 {
			return false
		}
		if !ok1 {
			return t.same(in, a, b)
		}
		in.enter()
		same := in.treeEqual(x.Car, y.Car, t)
		in.leave()
		if !same {
			return false
		}
		a, b = x.Cdr, y.Cdr
	}
}

func subst(in *Interp, a []Value) Value {
	t := in.tests(a[3:])
	newV, old := a[0], a[1]
	return in.mapTree(a[2], func(v Value) (Value, bool) { return newV, t.matches(in, old, v) })
}

func (in *Interp) substIf(a []Value, want bool) Value {
	newV, pred := a[0], in.function(a[1])
	k := in.keyArgs(a[3:], "KEY")
	key := in.keyFunction(k[0])
	return in.mapTree(a[2], func(v Value) (Value, bool) {
		if key != nil {
			v = in.call1(key, v)
		}
		return newV, in.Truthy(in.call1(pred, v)) == want
	})
}

func sublis(in *Interp, a []Value) Value {
	t := in.tests(a[2:])
	pairs := in.listOf(a[0], "sublis")
	return in.mapTree(a[1], func(v Value) (Value, bool) {
		for _, p := range pairs {
			if c, ok := p.(*sexp.Cons); ok && t.matches(in, c.Car, v) {
				return c.Cdr, true
			}
		}
		return nil, false
	})
}
