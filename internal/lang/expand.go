package lang

import (
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// Expand gives the top-level forms of the files with the macros of users
// expanded: definitions of compile time are left out, declarations stay,
// program bodies are expanded down to the language's own forms.
func Expand(files []*source.File, opt Options) (forms []string, errs source.List) {
	opt.observe = func(c *compiler, d *decl) {
		forms = append(forms, pretty(c.expandAll(d.form), 0))
	}
	_, errs = Lower(files, opt)
	return forms, errs
}

// expandAll expands the macros of users and the prelude in a declaration.
func (c *compiler) expandAll(form sexp.Value) sexp.Value {
	head, ok := form.(*sexp.Cons)
	if !ok {
		return form
	}
	s, isSym := head.Car.(*sexp.Symbol)
	if !isSym {
		return form
	}
	if s.Name == "DEFPROG" {
		items, ok := sexp.Slice(form)
		if !ok || len(items) < 3 {
			return form
		}
		out := append([]sexp.Value(nil), items[:3]...)
		for _, x := range items[3:] {
			out = append(out, c.expandUser(x, 0))
		}
		return sexp.List(out...)
	}
	return form
}

// expandUser expands macros of users everywhere in a body form. What it
// cannot judge (the binding lists of let, say) it leaves as it is.
func (c *compiler) expandUser(form sexp.Value, depth int) sexp.Value {
	x, ok := form.(*sexp.Cons)
	if !ok || depth > 500 {
		return form
	}
	if s, isSym := x.Car.(*sexp.Symbol); isSym {
		if s == sexp.Quote {
			return form
		}
		if _, isMacro := c.in.Macro(s, nil); isMacro {
			if e, done, err := c.in.Expand1(form, nil); err == nil && done {
				return c.expandUser(e, depth+1)
			}
			return form
		}
	}
	items, proper := sexp.Slice(form)
	if !proper {
		return form
	}
	out := make([]sexp.Value, len(items))
	for i, it := range items {
		out[i] = c.expandUser(it, depth+1)
	}
	return sexp.List(out...)
}

// pretty prints a form over several lines where it is long.
func pretty(v sexp.Value, indent int) string {
	flat := sexp.Print(v)
	c, ok := v.(*sexp.Cons)
	items, proper := sexp.Slice(v)
	if !ok || !proper || len(flat)+indent <= 90 || c.Car == sexp.Value(sexp.Quote) {
		return flat
	}
	var b strings.Builder
	b.WriteString("(" + sexp.Print(items[0]))
	n := 1
	// The name, options or bindings stay on the first line.
	for n < len(items) && n < 3 {
		s := sexp.Print(items[n])
		if b.Len()+len(s)+indent > 88 || n == 2 && !isAtomOrOptions(items[n]) {
			break
		}
		b.WriteString(" " + s)
		n++
	}
	for _, x := range items[n:] {
		b.WriteString("\n" + strings.Repeat(" ", indent+2) + pretty(x, indent+2))
	}
	return b.String() + ")"
}

func isAtomOrOptions(v sexp.Value) bool {
	c, ok := v.(*sexp.Cons)
	if !ok {
		return true
	}
	k, isSym := c.Car.(*sexp.Symbol)
	return isSym && k.Keyword
}
