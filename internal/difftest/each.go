package difftest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/whistler-lang/whistler/internal/ir"
)

// A version is a function as a pass left it.
type version struct {
	pass string
	f    *ir.Func
}

// A PassError is a pass that changed what a function does.
type PassError struct {
	Pass          string
	Before, After *ir.Func
	Err           error
}

func (e *PassError) Error() string {
	return fmt.Sprintf("pass %s changes what %s does: %v\nbefore:\n%v\nafter:\n%v", e.Pass, e.After.Name, e.Err, e.Before, e.After)
}

func (e *PassError) Unwrap() error { return e.Err }

// CheckPasses runs each function in the interpreter as it was lowered and as
// every pass left it, all others being as they were lowered, and names the
// first pass that makes a difference. The unit must have been compiled for it.
func (u *Unit) CheckPasses(steps []Step) error {
	before := maps.Clone(u.lowered)
	want := map[string][]string{}
	for _, v := range u.passed {
		name := v.f.Name
		var mine []Step
		for _, s := range steps {
			if p, _ := u.program(s.Program); s.Set != nil || p != nil && u.reaches(p.Name, name, nil) {
				mine = append(mine, s)
			}
		}
		if len(mine) == 0 || u.lowered[name] == nil {
			continue
		}
		var err error
		if want[name] == nil {
			if want[name], err = u.outcomes(u.lowered, mine); err != nil {
				return fmt.Errorf("%s as it was lowered: %w", name, err)
			}
		}
		funcs := maps.Clone(u.lowered)
		funcs[name] = v.f
		have, err := u.outcomes(funcs, mine)
		for i := range have {
			if have[i] != want[name][i] {
				err = errors.Join(err, fmt.Errorf("%s run %d gives\n%v\nand gave\n%v", mine[i].Program, i, have[i], want[name][i]))
				break
			}
		}
		if err != nil {
			return &PassError{v.pass, before[name], v.f, err}
		}
		before[name] = v.f
	}
	return nil
}

// outcomes runs the steps with these functions, on maps that are empty at
// first.
func (u *Unit) outcomes(funcs map[string]*ir.Func, steps []Step) (out []string, err error) {
	e, err := u.simulated("interpreter", interpreter(funcs))
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		o, err := e.Step(s)
		if err != nil {
			return out, err
		}
		text := ""
		if o != nil {
			for _, name := range s.Hide {
				delete(o.Maps, name)
				delete(o.Events, name)
			}
			text = o.String()
		}
		out = append(out, text)
	}
	return out, nil
}

// reaches reports whether the function from, as it was lowered, is to or
// may call it; seen are those that have been asked.
func (u *Unit) reaches(from, to string, seen []string) bool {
	if from == to {
		return true
	}
	f := u.lowered[from]
	if f == nil || slices.Contains(seen, from) {
		return false
	}
	seen = append(seen, from)
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			if (v.Op == ir.OpCallSub || v.Op == ir.OpMapAddr && v.Type == ir.PtrFunc) && u.reaches(v.Sym, to, seen) {
				return true
			}
		}
	}
	return false
}
