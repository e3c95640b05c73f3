package lisp

import (
	"github.com/whistler-lang/whistler/internal/sexp"
)

// placeRows are the functions behind setf.
func placeRows() []row {
	set := func(name, params string, fn func(in *Interp, a []Value)) row {
		return row{"(SETF " + name + ")", "new " + params, func(in *Interp, a []Value) Value {
			fn(in, a)
			return a[0]
		}}
	}
	rows := []row{
		set("CAR", "list", func(in *Interp, a []Value) { in.changed(in.mustCons(a[1])).Car = a[0] }),
		set("CDR", "list", func(in *Interp, a []Value) { in.changed(in.mustCons(a[1])).Cdr = a[0] }),
		set("REST", "list", func(in *Interp, a []Value) { in.changed(in.mustCons(a[1])).Cdr = a[0] }),
		set("NTH", "n list", func(in *Interp, a []Value) { in.setNth(in.index(a[1]), a[2], a[0]) }),
		set("NTHCDR", "n list", func(in *Interp, a []Value) {
			n := in.index(a[1])
			if n == 0 {
				in.typeError(a[1], "a positive integer")
			}
			in.changed(in.mustCons(in.nthcdr(n-1, a[2]))).Cdr = a[0]
		}),
		set("ELT", "sequence index", func(in *Interp, a []Value) { in.setElt(a[1], in.index(a[2]), a[0]) }),
		set("AREF", "array &rest indices", func(in *Interp, a []Value) { in.setAref(a[1], a[2:], a[0]) }),
		set("SVREF", "vector index", func(in *Interp, a []Value) { in.setAref(a[1], a[2:], a[0]) }),
		set("BIT", "vector index", func(in *Interp, a []Value) { in.setAref(a[1], a[2:], a[0]) }),
		set("ROW-MAJOR-AREF", "array index", func(in *Interp, a []Value) { in.setRow(a[1], in.index(a[2]), a[0]) }),
		set("CHAR", "string index", func(in *Interp, a []Value) { in.setAref(a[1], a[2:], a[0]) }),
		set("SCHAR", "string index", func(in *Interp, a []Value) { in.setAref(a[1], a[2:], a[0]) }),
		set("GETHASH", "key table &optional default", func(in *Interp, a []Value) { in.hashTable(a[2]).put(in, a[1], a[0]) }),
		set("GET", "symbol indicator &optional default", func(in *Interp, a []Value) {
			g := in.global(in.symbol(a[1]))
			if g.plist == nil {
				g.plist = sexp.Nil
			}
			g.plist = in.putf(g.plist, a[2], a[0])
		}),
		set("SYMBOL-PLIST", "symbol", func(in *Interp, a []Value) { in.global(in.symbol(a[1])).plist = a[0] }),
		set("SYMBOL-VALUE", "symbol", func(in *Interp, a []Value) { in.setSymbolValue(a[1], a[0]) }),
		set("SYMBOL-FUNCTION", "symbol", func(in *Interp, a []Value) { in.global(in.symbol(a[1])).own(in, in.function(a[0])) }),
		set("FDEFINITION", "symbol", func(in *Interp, a []Value) { in.global(in.symbol(a[1])).own(in, in.function(a[0])) }),
		set("MACRO-FUNCTION", "symbol &optional environment", func(in *Interp, a []Value) { in.setMacroFunction(in.symbol(a[1]), a[0]) }),
		set("FILL-POINTER", "vector", func(in *Interp, a []Value) { in.setFillPointer(a[1], in.index(a[0])) }),
		set("SUBSEQ", "sequence start &optional end", func(in *Interp, a []Value) {
			var end Value = sexp.Nil
			if len(a) > 3 {
				end = a[3]
			}
			in.replace(a[1], a[0], in.index(a[2]), end, 0, sexp.Nil)
		}),
		set("DOCUMENTATION", "object kind", func(in *Interp, a []Value) {}),
		{"%PUTF", "plist indicator value", func(in *Interp, a []Value) Value { return in.putf(a[0], a[1], a[2]) }},
		{"%REMF", "plist indicator", func(in *Interp, a []Value) Value { return in.without(a[0], a[1]) }},
		{"GET-SETF-EXPANSION", "place &optional environment", func(in *Interp, a []Value) Value {
			var env *Env
			if len(a) > 1 {
				env = in.envOf(a[1])
			}
			p := in.place(a[0], env, in.pos)
			return values(sexp.List(p.vars...), sexp.List(p.vals...), sexp.List(p.stores...), p.set, p.get)
		}},
	}
	for i, name := range ordinals {
		rows = append(rows, set(name, "list", func(in *Interp, a []Value) { in.setNth(i, a[1], a[0]) }))
	}
	for _, path := range carPaths() {
		rows = append(rows, set("C"+path+"R", "list", func(in *Interp, a []Value) {
			c := in.changed(in.mustCons(in.walk(path[1:], a[1])))
			if path[0] == 'A' {
				c.Car = a[0]
			} else {
				c.Cdr = a[0]
			}
		}))
	}
	return rows
}

var ordinals = []string{"FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH", "TENTH"}

// carPaths lists the letters between c and r: AA, AD, ..., DDDD.
func carPaths() (paths []string) {
	last := []string{"A", "D"}
	for n := 2; n <= 4; n++ {
		var next []string
		for _, p := range last {
			next = append(next, "A"+p, "D"+p)
		}
		paths = append(paths, next...)
		last = next
	}
	return paths
}
