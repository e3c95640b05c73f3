package lisp

import (
	"sort"
	"strings"

	"github.com/whistler-lang/whistler/internal/sexp"
)

// Extend gives the evaluator more of the host's functions and special
// operators: what only code of tests and sessions may call. They hide macros
// of the prelude, and are hidden by what the source defines itself. A Builtin
// with a name like "(SETF GETMAP)" is what setf calls, with the new value
// first.
func (in *Interp) Extend(functions []Builtin, specials []Special) {
	in.opt.Image = nil // it knows nothing of them
	setf := in.table.Intern("SETF")
	for _, b := range functions {
		name, isSetf := b.Name, false
		if len(name) > 7 && name[:6] == "(SETF " {
			name, isSetf = name[6:len(name)-1], true
		}
		sym := in.table.Intern(name)
		g := in.global(sym)
		fn := &Function{name: sym, fn: b.Fn, min: b.Min, max: b.Max, params: b.Params, doc: b.Doc}
		switch {
		case isSetf && g.setf == nil:
			fn.name = sexp.List(setf, sym)
			g.owned(in).setf = fn
		case !isSetf && (g.fn == nil || g.fn.prelude) && (g.macro == nil || g.macro.prelude):
			g.own(in, fn)
			g.macro = nil
		}
	}
	all := append([]Special(nil), specials...)
	in.opt.Specials = append(all, in.opt.Specials...)
}

// Refill sets the limits of what is evaluated from now on, who is asked where
// they are reached, nil for nobody, and where it prints.
func (in *Interp) Refill(steps, cells int64, more func() bool, out func(string)) {
	in.opt.MaxSteps, in.opt.MaxCells, in.opt.More, in.opt.Out = steps, cells, more, out
	in.stepsLeft, in.cellsLeft, in.dead = steps, cells, false
}

// SetSymbolMacro makes the global symbol stand for a form.
func (in *Interp) SetSymbolMacro(sym *sexp.Symbol, form Value) {
	in.global(sym).owned(in).symMacro = form
}

// A Variable is a global one with a value.
type Variable struct {
	Name  string
	Value Value
}

// Variables lists the special and assigned global variables, not the standard
// ones and no constants.
func (in *Interp) Variables() (out []Variable) {
	for sym, g := range in.globals {
		if g.val == nil || g.constant || !sym.Interned || sym.Keyword {
			continue
		}
		if _, _, standard := in.standardVariable(sym.Name); standard {
			continue
		}
		if in.opt.Constant != nil {
			if _, host := in.opt.Constant(sym.Name); host {
				continue
			}
		}
		out = append(out, Variable{sym.Name, g.val})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Names lists the standard functions, macros and special forms, in lower case.
func Names() (out []string) {
	index.once.Do(build)
	for name := range index.rows {
		if !strings.HasPrefix(name, "(") {
			out = append(out, strings.ToLower(name))
		}
	}
	for name := range index.specials {
		out = append(out, strings.ToLower(name))
	}
	sort.Strings(out)
	return out
}
