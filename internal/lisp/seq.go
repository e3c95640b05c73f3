package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A sequence is a list, a vector or a string taken apart. The items of a
// list keep their places, so that what is made of them can have them.
type sequence struct {
	kind  byte // 'l', 'v' or 's'
	items []Value
	ats   []source.Pos
}

func (in *Interp) sequence(v Value) sequence {
	switch x := v.(type) {
	case *sexp.Cons:
		s := sequence{kind: 'l'}
		n, placed := 0, false
		in.eachCell(x, func(c *sexp.Cons) bool {
			n++
			placed = placed || c.At.Known()
			return true
		})
		in.alloc(int64(2 * n))
		s.items = make([]Value, n)
		if placed {
			s.ats = make([]source.Pos, n)
		}
		for i := range n {
			if s.items[i] = x.Car; placed {
				s.ats[i] = x.At
			}
			x, _ = x.Cdr.(*sexp.Cons)
		}
		return s
	case *sexp.Vector:
		in.steps(len(x.Items) / 8)
		return sequence{kind: 'v', items: x.Items}
	case *sexp.String:
		in.steps(len(x.R) / 8)
		in.alloc(int64(len(x.R)))
		s := sequence{kind: 's', items: make([]Value, len(x.R))}
		for i, r := range x.R {
			s.items[i] = sexp.Char(r)
		}
		return s
	}
	if isNil(v) {
		return sequence{kind: 'l'}
	}
	in.typeError(v, "a sequence")
	return sequence{}
}

// build makes a sequence of a kind; ats may be nil.
func (in *Interp) build(kind byte, items []Value, ats []source.Pos) Value {
	switch kind {
	case 'v':
		in.alloc(int64(len(items) + 4))
		return &sexp.Vector{Items: append(make([]Value, 0, len(items)), items...)}
	case 's':
		in.alloc(int64(len(items)/4 + 4))
		s := &sexp.String{R: make([]rune, len(items))}
		for i, v := range items {
			c, ok := v.(sexp.Char)
			if !ok {
				in.typeError(v, "a character")
			}
			s.R[i] = rune(c)
		}
		return s
	}
	l := in.builder()
	for i, v := range items {
		c := l.add(v)
		if i < len(ats) {
			c.At = ats[i]
		}
	}
	return l.head
}

// slice gives the part of s from start to end as arguments say.
func (in *Interp) slice(s sequence, start, end Value) sequence {
	lo, hi := in.bounds(len(s.items), start, end)
	s.items = s.items[lo:hi]
	if s.ats != nil {
		s.ats = s.ats[lo:hi]
	}
	return s
}

// bounds checks :start and :end against a length.
func (in *Interp) bounds(n int, start, end Value) (lo, hi int) {
	hi = n
	if start != nil && !isNil(start) {
		lo = in.index(start)
	}
	if end != nil && !isNil(end) {
		hi = in.index(end)
	}
	if lo > hi || hi > n {
		in.wrong(nil, "the bounds %d and %d are not within a sequence of length %d", lo, hi, n)
	}
	return lo, hi
}

// keyArgs reads keyword arguments; the values come in the order of names,
// nil for what is not given.
func (in *Interp) keyArgs(a []Value, names ...string) []Value {
	out := make([]Value, len(names))
	if len(a)%2 != 0 {
		in.wrong(a[len(a)-1], "an odd number of keyword arguments")
	}
next:
	for i := 0; i < len(a); i += 2 {
		k, ok := a[i].(*sexp.Symbol)
		if ok && k.Keyword {
			for j, n := range names {
				if n == k.Name {
					if out[j] == nil {
						out[j] = a[i+1]
					}
					continue next
				}
			}
			if k.Name == "ALLOW-OTHER-KEYS" {
				continue
			}
		}
		e := errAt(in.pos, a[i], "%s is not a keyword argument of this function", show(a[i]))
		if ok {
			if near := in.nearest(k.Name, names); near != "" {
				e.DidYouMean(":" + lower(near))
			}
		}
		in.fail(e)
	}
	return out
}

// tester is what :test, :test-not and :key say.
type tester struct {
	test *Function // nil: eql
	not  bool
	key  *Function
}

func (in *Interp) keyFunction(v Value) *Function {
	if v == nil || isNil(v) {
		return nil
	}
	return in.function(v)
}

func (in *Interp) tester(test, testNot, key Value) tester {
	t := tester{key: in.keyFunction(key)}
	if testNot != nil && !isNil(testNot) {
		t.test, t.not = in.function(testNot), true
	} else if test != nil && !isNil(test) {
		t.test = in.function(test)
		if s := t.test.Name(); s != nil && t.test.fn != nil && (s.Name == "EQL" || s.Name == "EQ") {
			t.test = nil
		}
	}
	return t
}

func (in *Interp) tests(a []Value) tester {
	if len(a) == 0 {
		return tester{}
	}
	k := in.keyArgs(a, "TEST", "TEST-NOT", "KEY")
	return in.tester(k[0], k[1], k[2])
}

func (t *tester) keyOf(in *Interp, v Value) Value {
	if t.key != nil {
		return in.call1(t.key, v)
	}
	return v
}

// same compares two keys.
func (t *tester) same(in *Interp, a, b Value) bool {
	if t.test == nil {
		return eql(a, b)
	}
	return in.Truthy(in.call2(t.test, a, b)) != t.not
}

// matches compares an item with the key of an element.
func (t *tester) matches(in *Interp, item, elem Value) bool {
	return t.same(in, item, t.keyOf(in, elem))
}

func seqRows() []row {
	return []row{
		{"LENGTH", "sequence", func(in *Interp, a []Value) Value {
			switch x := a[0].(type) {
			case *sexp.Vector:
				return int64(len(x.Items))
			case *sexp.String:
				return int64(len(x.R))
			case *sexp.Cons:
				n := length(x)
				if n < 0 {
					in.typeError(x, "a proper list")
				}
				in.steps(n / 8)
				return int64(n)
			}
			if !isNil(a[0]) {
				in.typeError(a[0], "a sequence")
			}
			return int64(0)
		}},
		{"ELT", "sequence index", func(in *Interp, a []Value) Value {
			n := in.index(a[1])
			if c, ok := a[0].(*sexp.Cons); ok {
				c, ok = in.nthcdr(n, c).(*sexp.Cons)
				if !ok {
					in.wrong(a[0], "the sequence %s has no element %d", show(a[0]), n)
				}
				return c.Car
			}
			if !isVector(a[0]) {
				in.typeError(a[0], "a sequence with elements")
			}
			return in.vectorRef(a[0], n)
		}},
		{"SUBSEQ", "sequence start &optional end", func(in *Interp, a []Value) Value {
			s := in.slice(in.sequence(a[0]), a[1], optional(a, 2))
			return in.build(s.kind, s.items, s.ats)
		}},
		{"COPY-SEQ", "sequence", func(in *Interp, a []Value) Value {
			s := in.sequence(a[0])
			return in.build(s.kind, s.items, s.ats)
		}},
		{"REVERSE", "sequence", reverseSeq},
		{"NREVERSE", "sequence", func(in *Interp, a []Value) Value {
			if v, ok := a[0].(*sexp.Vector); ok {
				in.change(v)
				in.steps(len(v.Items) / 8)
				for i, j := 0, len(v.Items)-1; i < j; i, j = i+1, j-1 {
					v.Items[i], v.Items[j] = v.Items[j], v.Items[i]
				}
				return v
			}
			return reverseSeq(in, a)
		}},
		{"CONCATENATE", "type &rest sequences", func(in *Interp, a []Value) Value {
			var items []Value
			var ats []source.Pos
			for _, x := range a[1:] {
				s := in.sequence(x)
				in.alloc(int64(len(s.items)))
				for len(ats) < len(items) && s.ats != nil {
					ats = append(ats, source.Pos{})
				}
				items = append(items, s.items...)
				ats = append(ats, s.ats...)
			}
			return in.build(in.sequenceType(a[0]), items, ats)
		}},
		{"MAKE-SEQUENCE", "type size &key initial-element", func(in *Interp, a []Value) Value {
			kind := in.sequenceType(a[0])
			k := in.keyArgs(a[2:], "INITIAL-ELEMENT")
			var init Value = sexp.Nil
			if kind == 's' {
				init = sexp.Char(0)
			}
			if k[0] != nil {
				init = k[0]
			}
			n := in.index(a[1])
			in.alloc(int64(n))
			items := make([]Value, n)
			for i := range items {
				items[i] = init
			}
			return in.build(kind, items, nil)
		}},
		{"FILL", "sequence item &key start end", func(in *Interp, a []Value) Value {
			k := in.keyArgs(a[2:], "START", "END")
			n := len(in.sequence(a[0]).items)
			lo, hi := in.bounds(n, k[0], k[1])
			for i := lo; i < hi; i++ {
				if c, ok := a[0].(*sexp.Cons); ok {
					c = in.nthcdr(lo, c).(*sexp.Cons)
					for ; i < hi; i++ {
						in.changed(c).Car = a[1]
						c, _ = c.Cdr.(*sexp.Cons)
					}
					break
				}
				in.setRow(a[0], i, a[1])
			}
			return a[0]
		}},
		{"REPLACE", "target source &key start1 end1 start2 end2", func(in *Interp, a []Value) Value {
			k := in.keyArgs(a[2:], "START1", "END1", "START2", "END2")
			s1, s2 := 0, 0
			if k[0] != nil {
				s1 = in.index(k[0])
			}
			if k[2] != nil {
				s2 = in.index(k[2])
			}
			in.replace(a[0], a[1], s1, orNil(k[1]), s2, orNil(k[3]))
			return a[0]
		}},
		{"COERCE", "object type", coerce},
	}
}

func orNil(v Value) Value {
	if v == nil {
		return sexp.Nil
	}
	return v
}

func reverseSeq(in *Interp, a []Value) Value {
	if _, ok := a[0].(*sexp.Cons); ok {
		var v Value = sexp.Nil
		in.eachCell(a[0], func(c *sexp.Cons) bool {
			n := in.cons(c.Car, v)
			n.At = c.At
			v = n
			return true
		})
		return v
	}
	s := in.sequence(a[0])
	in.alloc(int64(len(s.items)))
	return in.build(s.kind, reverse(s.items), nil)
}

// replace copies the elements of from into target.
func (in *Interp) replace(target, from Value, start1 int, end1 Value, start2 int, end2 Value) {
	t, s := in.sequence(target), in.sequence(from)
	lo1, hi1 := in.bounds(len(t.items), int64(start1), end1)
	lo2, hi2 := in.bounds(len(s.items), int64(start2), end2)
	items := append([]Value(nil), s.items[lo2:hi2]...)
	if len(items) > hi1-lo1 {
		items = items[:hi1-lo1]
	}
	if c, ok := target.(*sexp.Cons); ok {
		c, _ = in.nthcdr(lo1, c).(*sexp.Cons)
		for _, x := range items {
			in.changed(c).Car = x
			c, _ = c.Cdr.(*sexp.Cons)
		}
		return
	}
	for i, x := range items {
		in.setRow(target, lo1+i, x)
	}
}

func (in *Interp) setElt(seq Value, n int, v Value) {
	if _, ok := seq.(*sexp.Cons); ok || isNil(seq) {
		in.setNth(n, seq, v)
		return
	}
	in.setRow(seq, n, v)
}

// sequenceType is the kind of sequence that a type specifier means.
func (in *Interp) sequenceType(spec Value) byte {
	spec = in.expandType(spec)
	name := ""
	if s, ok := spec.(*sexp.Symbol); ok {
		name = s.Name
	} else if c, ok := spec.(*sexp.Cons); ok {
		if s, ok := c.Car.(*sexp.Symbol); ok {
			name = s.Name
			if (name == "VECTOR" || name == "ARRAY" || name == "SIMPLE-ARRAY") && in.elementIsChar(optional(in.listOf(c.Cdr, "type"), 0)) {
				return 's'
			}
		}
	}
	switch name {
	case "LIST", "CONS", "NULL":
		return 'l'
	case "VECTOR", "SIMPLE-VECTOR", "ARRAY", "SIMPLE-ARRAY", "BIT-VECTOR", "SIMPLE-BIT-VECTOR":
		return 'v'
	case "STRING", "SIMPLE-STRING", "BASE-STRING", "SIMPLE-BASE-STRING":
		return 's'
	}
	in.typeError(spec, "a sequence type (list, vector or string)")
	return 0
}

func (in *Interp) elementIsChar(v Value) bool {
	s, ok := v.(*sexp.Symbol)
	return ok && (s.Name == "CHARACTER" || s.Name == "BASE-CHAR" || s.Name == "STANDARD-CHAR")
}

func coerce(in *Interp, a []Value) Value {
	spec := in.expandType(a[1])
	if in.typep(a[0], spec) {
		return a[0]
	}
	name := ""
	if s, ok := spec.(*sexp.Symbol); ok {
		name = s.Name
	}
	switch name {
	case "FLOAT", "SINGLE-FLOAT", "DOUBLE-FLOAT", "SHORT-FLOAT", "LONG-FLOAT":
		return in.float(a[0])
	case "CHARACTER":
		if s := in.stringOf(a[0]); len(s) == 1 {
			return sexp.Char(s[0])
		}
		in.typeError(a[0], "a character designator")
	case "FUNCTION":
		return in.function(a[0])
	case "INTEGER", "FIXNUM", "RATIONAL":
		in.typeError(a[0], "of type "+show(spec))
	}
	s := in.sequence(a[0])
	return in.build(in.sequenceType(spec), s.items, s.ats)
}
