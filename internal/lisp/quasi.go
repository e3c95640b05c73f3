package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

// quasiSpecials are the backquote and its commas.
//
// The reader makes (quasiquote x), (unquote x) and (unquote-splicing x). A
// template builds fresh conses without places; what is inserted keeps its
// own, so that an error in a user's form points at the user's text. A nested
// template stays a quasiquote form of which only the commas of the outer
// level are replaced: “(a ,(b ,c)) gives `(a ,(b 5)). A comma whose
// argument is spliced, ,,@x, becomes one with several arguments.
func quasiSpecials() []special {
	stray := func(c *comp, x *sexp.Cons) code {
		c.in.failAt(c.pos, x, "a comma outside of a backquote")
		return nil
	}
	return []special{
		{name: "QUASIQUOTE", params: "template", compile: func(c *comp, x *sexp.Cons) code {
			c.one = true
			if k := c.template(second(x).Car, 1, 0); k != nil {
				c.one = true
				return k
			}
			return c.literal(second(x).Car)
		}},
		{name: "UNQUOTE", params: "&rest forms", compile: stray},
		{name: "UNQUOTE-SPLICING", params: "&rest forms", compile: stray},
	}
}

// literal compiles a part of a template without commas: a fresh copy.
func (c *comp) literal(x Value) code {
	switch x.(type) {
	case *sexp.Cons, *sexp.Vector:
		return func(f *frame) Value { return f.in.strip(x) }
	}
	return constant(x)
}

// strip copies a tree without its places.
func (in *Interp) strip(x Value) Value {
	switch x := x.(type) {
	case *sexp.Cons:
		in.enter()
		var head Value = sexp.Nil
		var last *sexp.Cons
		for {
			in.step()
			n := in.cons(in.strip(x.Car), x.Cdr)
			if last == nil {
				head = n
			} else {
				last.Cdr = n
			}
			last = n
			next, ok := x.Cdr.(*sexp.Cons)
			if !ok {
				break
			}
			x = next
		}
		in.leave()
		return head
	case *sexp.Vector:
		in.enter()
		items := make([]Value, len(x.Items))
		for i, v := range x.Items {
			items[i] = in.strip(v)
		}
		in.leave()
		return &sexp.Vector{Items: items}
	}
	return x
}

// comma tells which of the template's markers x is, with its arguments.
func comma(x Value) (mark *sexp.Symbol, args *sexp.Cons) {
	c, ok := x.(*sexp.Cons)
	if !ok {
		return nil, nil
	}
	s, ok := c.Car.(*sexp.Symbol)
	if !ok || s != sexp.Quasiquote && s != sexp.Unquote && s != sexp.UnquoteSplicing {
		return nil, nil
	}
	args, ok = c.Cdr.(*sexp.Cons)
	if !ok || length(args) < 0 {
		return nil, nil
	}
	return s, args
}

// template compiles x at a level of backquotes; nil: it has no comma of the
// level that counts.
func (c *comp) template(x Value, level, nest int) code {
	if nest > maxDepth/4 {
		c.in.limit("a template is nested more than %d deep", maxDepth/4)
	}
	switch t := x.(type) {
	case *sexp.Vector:
		list := sexp.List(t.Items...)
		k := c.template(list, level, nest+1)
		if k == nil {
			return nil
		}
		return func(f *frame) Value { return &sexp.Vector{Items: f.in.listOf(k(f), "quasiquote")} }
	case *sexp.Cons:
		mark, args := comma(x)
		switch mark {
		case sexp.Unquote:
			if level == 1 {
				if !isNil(args.Cdr) {
					c.in.failAt(c.pos, x, "a comma with several forms stands where only one can be inserted")
				}
				return c.commaForm(args)
			}
			return c.items(t, level-1, nest)
		case sexp.UnquoteSplicing:
			if level == 1 {
				c.in.failAt(t.At.Or(c.pos), x, "`,@` stands where there is no list to splice into")
			}
			return c.items(t, level-1, nest)
		case sexp.Quasiquote:
			return c.items(t, level+1, nest)
		}
		return c.items(t, level, nest)
	}
	return nil
}

// commaForm compiles what stands behind a comma.
func (c *comp) commaForm(cell *sexp.Cons) code {
	k := c.valueAt(cell)
	c.one = true
	return k
}

// An item is a part of a list template: it appends to what is there.
type item struct {
	one    code // one element
	splice bool // one gives a list to splice
}

// items compiles a list template.
func (c *comp) items(t *sexp.Cons, level, nest int) code {
	if nest > maxDepth/4 {
		c.in.limit("a template is nested more than %d deep", maxDepth/4)
	}
	var parts []item
	live := false
	var tail code = nilCode
	var v Value = t
	first := true
	for {
		cell, ok := v.(*sexp.Cons)
		if !ok {
			if !isNil(v) {
				if k := c.template(v, level, nest+1); k != nil {
					tail, live = k, true
				} else {
					tail = c.literal(v)
				}
			}
			break
		}
		if mark, args := comma(cell); !first && (mark == sexp.Unquote || mark == sexp.UnquoteSplicing) && length(args) == 1 && level >= 1 {
			// (a . ,b) reads as (a unquote b).
			if k := c.template(cell, level, nest+1); k != nil {
				tail, live = k, true
			} else {
				tail = c.literal(cell)
			}
			break
		}
		first = false
		if mark, args := comma(cell.Car); level == 1 && mark != nil && mark != sexp.Quasiquote {
			for a := args; a != nil; a, _ = a.Cdr.(*sexp.Cons) {
				parts = append(parts, item{c.commaForm(a), mark == sexp.UnquoteSplicing})
			}
			live = true
		} else if k := c.template(cell.Car, level, nest+1); k != nil {
			parts = append(parts, item{k, false})
			live = true
		} else {
			parts = append(parts, item{c.literal(cell.Car), false})
		}
		v = cell.Cdr
	}
	if !live {
		return nil
	}
	noTail := isNil(v)
	return func(f *frame) Value {
		in := f.in
		var head Value = sexp.Nil
		var last *sexp.Cons
		add := func(n *sexp.Cons) {
			if last == nil {
				head = n
			} else {
				last.Cdr = n
			}
			last = n
		}
		for i, p := range parts {
			x := p.one(f)
			if !p.splice {
				add(in.cons(x, sexp.Nil))
				continue
			}
			if noTail && i == len(parts)-1 {
				// The last spliced list is not copied, as append does not.
				if last == nil {
					return x
				}
				last.Cdr = x
				return head
			}
			for cell, ok := x.(*sexp.Cons); ok; cell, ok = x.(*sexp.Cons) {
				in.step()
				n := in.cons(cell.Car, sexp.Nil)
				n.At = cell.At
				add(n)
				x = cell.Cdr
			}
			if !isNil(x) {
				in.typeError(x, "a proper list to splice")
			}
		}
		end := tail(f)
		if last == nil {
			return end
		}
		last.Cdr = end
		return head
	}
}
