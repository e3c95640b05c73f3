package lang

import (
	"github.com/whistler-lang/whistler/internal/prelude"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// written reports whether p is text that the user has written where it is
// compiled: not what a macro has put there.
func (l *lowerer) written(p source.Pos) bool {
	if !p.Known() || prelude.IsPrelude(p.File) {
		return false
	}
	if len(l.frames) == 0 {
		return true
	}
	outer := l.frames[0].Pos
	return outer.File == p.File && outer.Start <= p.Start && p.End <= outer.End
}

// warnUnused warns of the variables of a let with that body, declarations
// included, that nothing has read.
func (l *lowerer) warnUnused(bs []binding, vars []*variable, body sexp.Value) {
	if len(l.c.errs.Errors()) > 0 {
		return // the form that reads it may be the one in error
	}
	for i, b := range bs {
		if v := vars[i]; !v.used && l.written(b.at) && !ignored(b.name, body) {
			w := l.warn(b.name, "the variable `%s` is never read", v.name).
				WithHint("take it out, or say (declare (ignore %s))", v.name).WithCode("unused-variable")
			w.Pos = b.at
		}
	}
}

// ignored reports whether body begins with (declare (ignore name)), or
// ignorable.
func ignored(name *sexp.Symbol, body sexp.Value) bool {
	for x, ok := body.(*sexp.Cons); ok; x, ok = x.Cdr.(*sexp.Cons) {
		d, isList := x.Car.(*sexp.Cons)
		if !isList || !isHead(d, "DECLARE") {
			return false
		}
		for cl, ok := d.Cdr.(*sexp.Cons); ok; cl, ok = cl.Cdr.(*sexp.Cons) {
			if i, isList := cl.Car.(*sexp.Cons); isList && (isHead(i, "IGNORE") || isHead(i, "IGNORABLE")) {
				for n, ok := i.Cdr.(*sexp.Cons); ok; n, ok = n.Cdr.(*sexp.Cons) {
					if n.Car == sexp.Value(name) {
						return true
					}
				}
			}
		}
	}
	return false
}

// warnUnreachable warns of a form that nothing leads to. A verdict behind
// the forms is customary, whether they get there or not.
func (l *lowerer) warnUnreachable(form sexp.Value) {
	if p := sexp.PosOf(form); l.written(p) && len(l.c.errs.Errors()) == 0 {
		l.warn(form, "nothing gets here: the form before always leaves").WithCode("unreachable").Pos = p
	}
}

// warnDeclarations warns of the maps and subprograms of the main source that
// nothing uses. Included files may offer more than is used.
func (c *compiler) warnDeclarations(main *source.File) {
	warn := func(pos source.Pos, code, what, name, hint string) {
		if pos.File != main {
			return
		}
		w := source.Errorf(pos, "nothing uses the %s `%s`", what, name).WithHint("%s", hint).WithCode(code)
		w.Severity = source.SevWarning
		c.unit.Warnings = append(c.unit.Warnings, w)
	}
	if len(c.unit.Programs) == 0 {
		return // a file of declarations for others
	}
	for _, m := range c.unit.Maps {
		if !m.used && !m.PinByName {
			warn(m.Pos, "unused-map", "map", m.Name, "take it out, or use it: it is created with every load")
		}
	}
	for _, s := range c.unit.Subs {
		if !s.used && !s.Global && !s.Callback {
			warn(s.Pos, "unused-subprogram", "subprogram", s.Name, "take it out, or call it")
		}
	}
}

// lowerCaseKeys warns of keys of a case that stand twice, and of clauses
// behind the one for all other keys.
func lowerCaseKeys(l *lowerer, c *call) val {
	first := map[int64]source.Pos{}
	var rest source.Pos
	key := func(k sexp.Value, at source.Pos) {
		v := l.guard(func() val { return l.expr(k, at) })
		n, isConst := v.v.IsConst()
		if !isConst || !l.written(at) {
			return
		}
		if old, twice := first[n]; twice {
			w := l.warn(k, "the key %s stands twice in this case: the first clause gets it", sexp.Print(k))
			w.WithNote(old, "the first is here").WithCode("duplicate-key").Pos = at
			return
		}
		first[n] = at
	}
	clauses, _ := c.args[0].(*sexp.Cons)
	for cell := clauses; cell != nil; cell, _ = cell.Cdr.(*sexp.Cons) {
		clause, ok := cell.Car.(*sexp.Cons)
		if !ok {
			continue
		}
		if rest.Known() && l.written(clause.Pos) {
			w := l.warn(clause, "no key gets to this clause")
			w.WithNote(rest, "this clause takes all other keys").WithCode("unreachable").Pos = clause.Pos
		}
		switch k := clause.Car.(type) {
		case *sexp.Cons:
			for ; k != nil; k, _ = k.Cdr.(*sexp.Cons) {
				key(k.Car, k.At)
			}
		case *sexp.Symbol:
			if k == sexp.T || k.Name == "OTHERWISE" {
				rest = clause.Pos
			} else if k != sexp.Nil {
				key(k, clause.At)
			}
		default:
			key(k, clause.At)
		}
	}
	return l.literal(0)
}
