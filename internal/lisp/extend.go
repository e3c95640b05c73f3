package lisp

import "github.com/whistler-lang/whistler/internal/sexp"

// Extend gives the evaluator more of the host's functions and special
// operators: what only code of tests and sessions may call. They hide macros
// of the prelude, and are hidden by what the source defines itself. A Builtin
// with a name like "(SETF GETMAP)" is what setf calls, with the new value
// first.
func (in *Interp) Extend(functions []Builtin, specials []Special) {
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
			g.setf = fn
		case !isSetf && (g.fn == nil || g.fn.prelude) && (g.macro == nil || g.macro.prelude):
			g.fn, g.macro = fn, nil
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
func (in *Interp) SetSymbolMacro(sym *sexp.Symbol, form Value) { in.global(sym).symMacro = form }
