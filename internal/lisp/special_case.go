package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

// caseSpecials choose among clauses by value or type.
func caseSpecials() []special {
	byKey := func(failing string) func(c *comp, x *sexp.Cons) code {
		return func(c *comp, x *sexp.Cons) code { return c.caseForm(x, failing) }
	}
	byType := func(failing string) func(c *comp, x *sexp.Cons) code {
		return func(c *comp, x *sexp.Cons) code { return c.typecase(x, failing) }
	}
	return []special{
		{name: "CASE", params: "key &rest clauses", compile: byKey("")},
		{name: "ECASE", params: "key &rest clauses", compile: byKey("ecase")},
		{name: "CCASE", params: "key &rest clauses", compile: byKey("ccase")},
		{name: "TYPECASE", params: "key &rest clauses", compile: byType("")},
		{name: "ETYPECASE", params: "key &rest clauses", compile: byType("etypecase")},
		{name: "CTYPECASE", params: "key &rest clauses", compile: byType("ctypecase")},
	}
}

// clause is a compiled (keys . body).
type clause struct {
	keys  []Value
	other bool // t or otherwise
	body  code
}

// clauses compiles the bodies of a case form.
func (c *comp) clauses(list Value, otherwise bool) (out []clause) {
	for cell, ok := list.(*sexp.Cons); ok; cell, ok = cell.Cdr.(*sexp.Cons) {
		cl, isList := cell.Car.(*sexp.Cons)
		if !isList || length(cl) < 0 {
			c.in.fail(errAt(cell.At.Or(c.pos), cell.Car, "malformed clause %s", show(cell.Car)).WithExpected("(keys form...)"))
		}
		pos := c.pos
		c.pos = cl.Pos.Or(pos)
		k := clause{body: c.body(cl.Cdr)}
		c.pos = pos
		_, last := cell.Cdr.(*sexp.Cons)
		s, isSym := cl.Car.(*sexp.Symbol)
		switch {
		case isSym && !last && otherwise && (s == sexp.T || s.Name == "OTHERWISE" && !s.Keyword):
			k.other = true
		default:
			if items, isKeys := sexp.Slice(cl.Car); isKeys {
				k.keys = items
			} else {
				k.keys = []Value{cl.Car}
			}
		}
		out = append(out, k)
	}
	return out
}

func (c *comp) caseForm(x *sexp.Cons, failing string) code {
	key := c.valueAt(second(x))
	cls := c.clauses(rest(second(x)), failing == "")
	pos := c.pos
	c.one = false
	return func(f *frame) Value {
		v := key(f)
		for i := range cls {
			if cls[i].other {
				return cls[i].body(f)
			}
			for _, k := range cls[i].keys {
				if eql(k, v) {
					return cls[i].body(f)
				}
			}
		}
		if failing != "" {
			var want []Value
			for i := range cls {
				want = append(want, cls[i].keys...)
			}
			e := errAt(pos, v, "%s is none of the keys of `%s`", show(v), failing).WithExpected("one of %s", show(sexp.List(want...)))
			e.kind = "TYPE-ERROR"
			e.slots = map[string]Value{"DATUM": v, "EXPECTED-TYPE": &sexp.Cons{Car: f.in.table.Intern("MEMBER"), Cdr: sexp.List(want...)}}
			f.in.fail(e)
		}
		return sexp.Nil
	}
}

func (c *comp) typecase(x *sexp.Cons, failing string) code {
	key := c.valueAt(second(x))
	type typeClause struct {
		spec Value
		body code
	}
	var cls []typeClause
	var specs []Value
	for cell, ok := rest(second(x)).(*sexp.Cons); ok; cell, ok = cell.Cdr.(*sexp.Cons) {
		cl, isList := cell.Car.(*sexp.Cons)
		if !isList || length(cl) < 0 {
			c.in.fail(errAt(cell.At.Or(c.pos), cell.Car, "malformed clause %s", show(cell.Car)).WithExpected("(type form...)"))
		}
		spec := cl.Car
		if s, isSym := spec.(*sexp.Symbol); isSym && s.Name == "OTHERWISE" {
			spec = sexp.T
		}
		specs = append(specs, spec)
		cls = append(cls, typeClause{spec, c.body(cl.Cdr)})
	}
	pos := c.pos
	c.one = false
	return func(f *frame) Value {
		v := key(f)
		f.in.pos = pos
		for i := range cls {
			if f.in.typep(v, cls[i].spec) {
				return cls[i].body(f)
			}
		}
		if failing != "" {
			or := &sexp.Cons{Car: f.in.table.Intern("OR"), Cdr: sexp.List(specs...)}
			e := errAt(pos, v, "%s is of none of the types of `%s`", show(v), failing).WithExpected("one of %s", show(sexp.List(specs...)))
			e.kind = "TYPE-ERROR"
			e.slots = map[string]Value{"DATUM": v, "EXPECTED-TYPE": or}
			f.in.fail(e)
		}
		return sexp.Nil
	}
}
