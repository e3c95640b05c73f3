package lang

import (
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
)

// sessions declares what the with-bpf-session forms inside of form declare,
// also those in the bodies of functions, which nobody calls here.
func (c *compiler) sessions(form sexp.Value, depth int) {
	x, ok := form.(*sexp.Cons)
	if !ok || depth > 200 {
		return
	}
	if isHead(x, "QUOTE") {
		return
	}
	if isHead(x, "WITH-BPF-SESSION") {
		c.session(x)
		return
	}
	for x, ok := form.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		c.sessions(x.Car, depth+1)
	}
}

// session declares the (bpf:map ...) and (bpf:prog ...) forms of a session.
// The rest is code for user space, which compiling does not run.
func (c *compiler) session(form *sexp.Cons) {
	if c.declared[form] {
		return
	}
	c.declared[form] = true
	items, ok := sexp.Slice(form.Cdr)
	if !ok {
		return
	}
	for _, x := range items {
		d, ok := x.(*sexp.Cons)
		if !ok {
			continue
		}
		args, _ := sexp.Slice(d.Cdr)
		if len(args) < 2 {
			continue
		}
		name, named := args[0].(*sexp.Symbol)
		if !named || name.Keyword {
			continue
		}
		head := ""
		k, isSym := args[1].(*sexp.Symbol)
		_, isList := args[1].(*sexp.Cons)
		switch {
		case isHead(d, "BPF:MAP") && isSym && k.Keyword:
			head = "DEFMAP"
		case isHead(d, "BPF:PROG") && isList:
			head = "DEFPROG"
		case isHead(d, "DEFMAP"), isHead(d, "DEFPROG"), isHead(d, "DEFSTRUCT"), isHead(d, "DEFSUBPROG"), isHead(d, "DEFGLOBAL"):
			head = d.Car.(*sexp.Symbol).Name
		default:
			continue
		}
		decl := &sexp.Cons{Car: c.table.Intern(head), Cdr: d.Cdr, Pos: d.Pos, At: d.At}
		if _, err := c.in.EvalTop(decl, d.Pos); err != nil {
			c.report(err, decl, d.Pos)
		}
	}
}

// sessionForm is with-bpf-session where it is evaluated.
func (c *compiler) sessionForm() lisp.Special {
	return lisp.Special{Name: "WITH-BPF-SESSION", Params: "() {(bpf:map name options...) | (bpf:prog name (options...) body...) | form}...",
		Doc: "Declares maps and programs, and holds the code for user space that works with them. Compiling takes the declarations and runs none of the rest.",
		Fn: func(in *lisp.Interp, form *sexp.Cons, env *lisp.Env) sexp.Value {
			c.session(form)
			c.reached = true
			return sexp.Nil
		}}
}
