package lisp

import "github.com/whistler-lang/whistler/internal/sexp"

// Escape runs f. When f, or what it evaluates, calls leave, that is left at
// once, cleanup forms being run, and Escape reports true.
func (in *Interp) Escape(f func(leave func())) (left bool) {
	tok := &token{}
	m, pos := in.mark(), in.pos
	defer func() {
		if in.exiting != nil && in.exiting.to == tok {
			recover()
			left = true
			in.exiting = nil
			in.restore(m)
			in.pos = pos
			return
		}
		tok.done = true
	}()
	f(func() {
		if !tok.done {
			in.exiting = &exit{tok, sexp.Nil}
			panic(in.exiting)
		}
	})
	return false
}

// spent is where the limit of steps or cells is reached: the host may give
// more.
func (in *Interp) spent() bool {
	if in.opt.More == nil || !in.opt.More() {
		return false
	}
	in.stepsLeft, in.cellsLeft = in.opt.MaxSteps, in.opt.MaxCells
	return true
}
