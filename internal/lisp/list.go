package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

func (in *Interp) mustCons(v Value) *sexp.Cons {
	c, ok := v.(*sexp.Cons)
	if !ok {
		in.typeError(v, "a cons")
	}
	return c
}

// change is called before a part of v, a list, vector or string, is set. Those
// that stand in the text of the Library are not the source's: other evaluators
// have them too.
func (in *Interp) change(v Value) {
	fixed := false
	if s, ok := v.(*sexp.String); ok {
		fixed = s.Fixed
	} else if f := sexp.PosOf(v).File; f != nil {
		fixed = f.Fixed
	}
	if fixed {
		in.wrong(v, "%s is a constant of the language's own macros, which cannot be changed", show(v))
	}
}

// changed is c, of which a part is to be set.
func (in *Interp) changed(c *sexp.Cons) *sexp.Cons {
	in.change(c)
	return c
}

func (in *Interp) car(v Value) Value {
	if c, ok := v.(*sexp.Cons); ok {
		return c.Car
	}
	if !isNil(v) {
		in.typeError(v, "a list")
	}
	return v
}

func (in *Interp) cdr(v Value) Value {
	if c, ok := v.(*sexp.Cons); ok {
		return c.Cdr
	}
	if !isNil(v) {
		in.typeError(v, "a list")
	}
	return v
}

// walk takes car and cdr as the letters of path say, the last one first.
func (in *Interp) walk(path string, v Value) Value {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == 'A' {
			v = in.car(v)
		} else {
			v = in.cdr(v)
		}
	}
	return v
}

func (in *Interp) nthcdr(n int, v Value) Value {
	in.steps(n / 8)
	for ; n > 0; n-- {
		if isNil(v) {
			return v
		}
		v = in.cdr(v)
	}
	return v
}

func (in *Interp) setNth(n int, list, v Value) {
	c, ok := in.nthcdr(n, list).(*sexp.Cons)
	if !ok {
		in.wrong(list, "the list %s has no element %d", show(list), n)
	}
	in.changed(c).Car = v
}

// A listBuilder makes a list front to back.
type listBuilder struct {
	in   *Interp
	head Value
	last *sexp.Cons
}

func (in *Interp) builder() listBuilder { return listBuilder{in: in, head: sexp.Nil} }

func (b *listBuilder) add(v Value) *sexp.Cons {
	c := b.in.cons(v, sexp.Nil)
	if b.last == nil {
		b.head = c
	} else {
		b.last.Cdr = c
	}
	b.last = c
	return c
}

// copyOf adds a cell's Car with its place.
func (b *listBuilder) copyOf(c *sexp.Cons) { b.add(c.Car).At = c.At }

// end sets the tail of the list.
func (b *listBuilder) end(v Value) Value {
	if b.last == nil {
		return v
	}
	b.last.Cdr = v
	return b.head
}

// eachCell calls fn for the conses of a list, which must be proper.
func (in *Interp) eachCell(list Value, fn func(c *sexp.Cons) bool) {
	v := list
	for {
		c, ok := v.(*sexp.Cons)
		if !ok {
			break
		}
		in.step()
		if !fn(c) {
			return
		}
		v = c.Cdr
	}
	if !isNil(v) {
		in.typeError(list, "a proper list")
	}
}

func (in *Interp) appendTwo(a, b Value) Value {
	if isNil(a) {
		return b
	}
	l := in.builder()
	in.eachCell(a, func(c *sexp.Cons) bool { l.copyOf(c); return true })
	return l.end(b)
}

// lastCons is the last cons of a list, nil of an empty one.
func (in *Interp) lastCons(v Value) *sexp.Cons {
	c, ok := v.(*sexp.Cons)
	if !ok {
		if !isNil(v) {
			in.typeError(v, "a list")
		}
		return nil
	}
	for {
		next, ok := c.Cdr.(*sexp.Cons)
		if !ok {
			return c
		}
		in.step()
		c = next
	}
}

func listRows() []row {
	rows := []row{
		{"CONS", "car cdr", func(in *Interp, a []Value) Value { return in.cons(a[0], a[1]) }},
		{"CAR", "list", func(in *Interp, a []Value) Value { return in.car(a[0]) }},
		{"CDR", "list", func(in *Interp, a []Value) Value { return in.cdr(a[0]) }},
		{"REST", "list", func(in *Interp, a []Value) Value { return in.cdr(a[0]) }},
		{"RPLACA", "cons object", func(in *Interp, a []Value) Value { in.changed(in.mustCons(a[0])).Car = a[1]; return a[0] }},
		{"RPLACD", "cons object", func(in *Interp, a []Value) Value { in.changed(in.mustCons(a[0])).Cdr = a[1]; return a[0] }},
		{"LIST", "&rest objects", func(in *Interp, a []Value) Value { return in.list(a) }},
		{"LIST*", "object &rest objects", func(in *Interp, a []Value) Value {
			in.alloc(4 * int64(len(a)))
			return sexp.ListStar(a[:len(a)-1], a[len(a)-1])
		}},
		{"MAKE-LIST", "size &key initial-element", func(in *Interp, a []Value) Value {
			var init Value = sexp.Nil
			k := in.keyArgs(a[1:], "INITIAL-ELEMENT")
			if k[0] != nil {
				init = k[0]
			}
			n := in.index(a[0])
			in.alloc(4 * int64(n))
			in.steps(n / 8)
			var v Value = sexp.Nil
			for ; n > 0; n-- {
				v = &sexp.Cons{Car: init, Cdr: v}
			}
			return v
		}},
		{"APPEND", "&rest lists", func(in *Interp, a []Value) Value {
			if len(a) == 0 {
				return sexp.Nil
			}
			v := a[len(a)-1]
			for i := len(a) - 2; i >= 0; i-- {
				v = in.appendTwo(a[i], v)
			}
			return v
		}},
		{"NCONC", "&rest lists", func(in *Interp, a []Value) Value {
			var v Value = sexp.Nil
			for i := len(a) - 1; i >= 0; i-- {
				if i == len(a)-1 {
					v = a[i]
				} else if c := in.lastCons(a[i]); c != nil {
					in.changed(c).Cdr = v
					v = a[i]
				}
			}
			return v
		}},
		{"REVAPPEND", "list tail", func(in *Interp, a []Value) Value {
			v := a[1]
			in.eachCell(a[0], func(c *sexp.Cons) bool {
				n := in.cons(c.Car, v)
				n.At = c.At
				v = n
				return true
			})
			return v
		}},
		{"NRECONC", "list tail", func(in *Interp, a []Value) Value {
			v := a[1]
			in.eachCell(a[0], func(c *sexp.Cons) bool {
				n := in.cons(c.Car, v)
				n.At = c.At
				v = n
				return true
			})
			return v
		}},
		{"NTH", "n list", func(in *Interp, a []Value) Value { return in.car(in.nthcdr(in.index(a[0]), a[1])) }},
		{"NTHCDR", "n list", func(in *Interp, a []Value) Value { return in.nthcdr(in.index(a[0]), a[1]) }},
		{"LAST", "list &optional n", func(in *Interp, a []Value) Value {
			n := 1
			if len(a) > 1 {
				n = in.index(a[1])
			}
			total := in.conses(a[0])
			return in.nthcdrDotted(max(0, total-n), a[0])
		}},
		{"BUTLAST", "list &optional n", butlast},
		{"NBUTLAST", "list &optional n", butlast},
		{"LIST-LENGTH", "list", func(in *Interp, a []Value) Value {
			if n := length(a[0]); n >= 0 {
				return int64(n)
			}
			for v, slow := a[0], a[0]; ; slow = slow.(*sexp.Cons).Cdr {
				for range 2 {
					c, ok := v.(*sexp.Cons)
					if !ok {
						in.typeError(a[0], "a list")
					}
					v = c.Cdr
				}
				if v == slow.(*sexp.Cons).Cdr {
					return sexp.Nil // it is circular
				}
			}
		}},
		{"ENDP", "list", func(in *Interp, a []Value) Value {
			if _, ok := a[0].(*sexp.Cons); !ok && !isNil(a[0]) {
				in.typeError(a[0], "a list")
			}
			return truth(isNil(a[0]))
		}},
		{"COPY-LIST", "list", func(in *Interp, a []Value) Value {
			l := in.builder()
			v := a[0]
			for c, ok := v.(*sexp.Cons); ok; c, ok = v.(*sexp.Cons) {
				in.step()
				l.copyOf(c)
				v = c.Cdr
			}
			return l.end(v)
		}},
		{"LDIFF", "list object", func(in *Interp, a []Value) Value {
			l := in.builder()
			v := a[0]
			for {
				if eql(v, a[1]) {
					return l.end(sexp.Nil)
				}
				c, ok := v.(*sexp.Cons)
				if !ok {
					return l.end(v)
				}
				in.step()
				l.copyOf(c)
				v = c.Cdr
			}
		}},
		{"TAILP", "object list", func(in *Interp, a []Value) Value {
			v := a[1]
			for {
				if eql(v, a[0]) {
					return sexp.T
				}
				c, ok := v.(*sexp.Cons)
				if !ok {
					return sexp.Nil
				}
				in.step()
				v = c.Cdr
			}
		}},
		{"CONSP", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*sexp.Cons); return truth(ok) }},
		{"ATOM", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*sexp.Cons); return truth(!ok) }},
		{"LISTP", "object", func(in *Interp, a []Value) Value { _, ok := a[0].(*sexp.Cons); return truth(ok || isNil(a[0])) }},
		{"NULL", "object", func(in *Interp, a []Value) Value { return truth(isNil(a[0])) }},
		{"NOT", "object", func(in *Interp, a []Value) Value { return truth(isNil(a[0])) }},
		{"ACONS", "key value alist", func(in *Interp, a []Value) Value { return in.cons(in.cons(a[0], a[1]), a[2]) }},
		{"PAIRLIS", "keys values &optional alist", func(in *Interp, a []Value) Value {
			ks, vs := in.listOf(a[0], "pairlis"), in.listOf(a[1], "pairlis")
			if len(ks) != len(vs) {
				in.wrong(a[1], "pairlis: %s for %s", count(len(vs), "value"), count(len(ks), "key"))
			}
			var v Value = sexp.Nil
			if len(a) > 2 {
				v = a[2]
			}
			for i := len(ks) - 1; i >= 0; i-- {
				v = in.cons(in.cons(ks[i], vs[i]), v)
			}
			return v
		}},
		{"COPY-ALIST", "alist", func(in *Interp, a []Value) Value {
			l := in.builder()
			in.eachCell(a[0], func(c *sexp.Cons) bool {
				if pair, ok := c.Car.(*sexp.Cons); ok {
					n := in.cons(pair.Car, pair.Cdr)
					n.Pos, n.At = pair.Pos, pair.At
					l.add(n).At = c.At
				} else {
					l.copyOf(c)
				}
				return true
			})
			return l.head
		}},
		{"GETF", "plist indicator &optional default", func(in *Interp, a []Value) Value {
			if c := in.plistCell(a[0], a[1]); c != nil {
				return in.car(c.Cdr)
			}
			return optional(a, 2)
		}},
		{"GET-PROPERTIES", "plist indicators", func(in *Interp, a []Value) Value {
			inds := in.listOf(a[1], "get-properties")
			for v := a[0]; !isNil(v); v = in.cdr(in.cdr(v)) {
				in.step()
				for _, ind := range inds {
					if in.car(v) == ind {
						return values(ind, in.car(in.cdr(v)), v)
					}
				}
			}
			return values(sexp.Nil, sexp.Nil, sexp.Nil)
		}},
	}
	for i, name := range ordinals {
		rows = append(rows, row{name, "list", func(in *Interp, a []Value) Value { return in.car(in.nthcdr(i, a[0])) }})
	}
	for _, path := range carPaths() {
		rows = append(rows, row{"C" + path + "R", "list", func(in *Interp, a []Value) Value { return in.walk(path, a[0]) }})
	}
	return rows
}

// optional is argument i, nil where it is left out.
func optional(a []Value, i int) Value {
	if i < len(a) {
		return a[i]
	}
	return sexp.Nil
}

// conses counts the conses of a list, which may be dotted.
func (in *Interp) conses(v Value) (n int) {
	first := v
	for c, ok := v.(*sexp.Cons); ok; c, ok = v.(*sexp.Cons) {
		in.step()
		n++
		v = c.Cdr
	}
	if n == 0 && !isNil(first) {
		in.typeError(first, "a list")
	}
	return n
}

func (in *Interp) nthcdrDotted(n int, v Value) Value {
	for ; n > 0; n-- {
		v = v.(*sexp.Cons).Cdr
	}
	return v
}

func butlast(in *Interp, a []Value) Value {
	n := 1
	if len(a) > 1 {
		n = in.index(a[1])
	}
	keep := in.conses(a[0]) - n
	l := in.builder()
	v := a[0]
	for ; keep > 0; keep-- {
		c := v.(*sexp.Cons)
		l.copyOf(c)
		v = c.Cdr
	}
	return l.head
}

// plistCell finds the cons of a property list that holds ind.
func (in *Interp) plistCell(plist, ind Value) *sexp.Cons {
	v := plist
	for !isNil(v) {
		in.step()
		c, ok := v.(*sexp.Cons)
		if !ok {
			in.typeError(plist, "a property list")
		}
		if c.Car == ind {
			return c
		}
		if v = c.Cdr; isNil(v) {
			in.typeError(plist, "a property list (its length is odd)")
		}
		v = in.cdr(v)
	}
	return nil
}

func (in *Interp) putf(plist, ind, v Value) Value {
	if c := in.plistCell(plist, ind); c != nil {
		in.changed(in.mustCons(c.Cdr)).Car = v
		return plist
	}
	return in.cons(ind, in.cons(v, plist))
}

// without is the property list without ind.
func (in *Interp) without(plist, ind Value) Value {
	if in.plistCell(plist, ind) == nil {
		return plist
	}
	l := in.builder()
	v := plist
	for {
		c := in.mustCons(v)
		if c.Car == ind {
			return l.end(in.cdr(c.Cdr))
		}
		l.copyOf(c)
		l.copyOf(in.mustCons(c.Cdr))
		v = in.cdr(c.Cdr)
	}
}
