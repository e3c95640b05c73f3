package user

import (
	"math"
	"math/big"
	"strings"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A Prompt evaluates forms one after the other on a host that stays: what an
// interactive session does with a compiled source.
type Prompt struct {
	*Session
	known map[string]bool // variables that were there at first
}

// NewPrompt prepares a prompt. The host stays the caller's.
func NewPrompt(r *compile.Result, o Options, w World, host Host) *Prompt {
	s := NewSession(r, o, w, nil)
	s.run = &run{host: host}
	return &Prompt{Session: s}
}

// Read reads the forms of a text.
func (p *Prompt) Read(f *source.File) ([]sexp.Located, source.List) {
	return sexp.ReadAll(f, p.r.Unit.Lisp.Table(), sexp.Features{"WHISTLER": true, "LINUX": true, strings.ToUpper(p.o.Arch): true})
}

// Eval evaluates a form. Checks that do not hold are in failed. The error is
// ErrInterrupted, an *Exit, or what is wrong.
func (p *Prompt) Eval(form sexp.Located) (v sexp.Value, failed source.List, err error) {
	in := p.r.Unit.Lisp
	const steps = 1_000_000
	in.Refill(steps, math.MaxInt64/4, func() bool {
		if p.world.Stop() {
			p.stop(ErrInterrupted)
		}
		return true
	}, p.world.Out)
	p.run.failures = nil
	if in.Escape(func(leave func()) {
		p.leave = leave
		v, err = in.Eval(form.V, nil)
	}) {
		return nil, p.run.failures, p.why
	}
	for _, e := range source.AsList(err) {
		e.Code = ""
		if k, skipped := e.Culprit.(*skip); skipped {
			e.What = k.why
		}
		e.Pos = e.Pos.Or(form.Pos)
	}
	return v, p.run.failures, err
}

// A Variable is one that forms have set.
type Variable struct {
	Name  string
	Value sexp.Value
}

// Variables are what forms have set, for the next prompt.
func (p *Prompt) Variables() (out []Variable) {
	for _, v := range p.r.Unit.Lisp.Variables() {
		switch v.Value.(type) {
		case *mapRef, *progRef, *globalRef:
			continue
		}
		out = append(out, Variable{v.Name, v.Value})
	}
	return out
}

// Set sets variables that another prompt had; what cannot live here, such as
// functions, is left out.
func (p *Prompt) Set(vars []Variable) {
	in := p.r.Unit.Lisp
	structs := map[string]bool{}
	for _, s := range p.r.Unit.Structs {
		structs[s.Name] = true
	}
	for _, v := range vars {
		sym := in.Table().Intern(v.Name)
		if _, there := in.Global(sym); there {
			continue // the source says what it is
		}
		if x, ok := p.moved(v.Value, 0); ok {
			in.SetGlobal(sym, x, false)
		}
	}
}

// moved is a value of another evaluator as one of this: its symbols are others.
func (p *Prompt) moved(v sexp.Value, depth int) (sexp.Value, bool) {
	if depth > 1000 {
		return nil, false
	}
	switch v := v.(type) {
	case int64, *big.Int, *big.Rat, float64, sexp.Char, *sexp.String, *linkRef:
		return v, true
	case *sexp.Symbol:
		switch {
		case v == sexp.Nil || v == sexp.T:
			return v, true
		case v.Keyword:
			return p.r.Unit.Lisp.Table().Keyword(v.Name), true
		}
		return p.r.Unit.Lisp.Table().Intern(v.Name), v.Interned
	case *sexp.Cons:
		car, ok := p.moved(v.Car, depth+1)
		cdr, ok2 := p.moved(v.Cdr, depth+1)
		return &sexp.Cons{Car: car, Cdr: cdr}, ok && ok2
	case *sexp.Vector:
		w := &sexp.Vector{Fill: v.Fill}
		for _, x := range v.Items {
			y, ok := p.moved(x, depth+1)
			if !ok {
				return nil, false
			}
			w.Items = append(w.Items, y)
		}
		return w, true
	case *Record:
		for _, s := range p.r.Unit.Structs {
			if s.Name == v.S.Name && s.Size == v.S.Size {
				return &Record{s, append([]byte(nil), v.B...)}, true
			}
		}
	}
	return nil, false
}

// MapNamed finds a map's reference by its name as written.
func (p *Prompt) MapNamed(name string) (sexp.Value, bool) {
	for _, m := range p.r.Unit.Maps {
		if strings.EqualFold(m.Name, name) {
			return &mapRef{m}, true
		}
	}
	return nil, false
}

// Entries shows the entries of a map as a table: structs by their fields.
func (p *Prompt) Entries(name string) (string, error) {
	for _, m := range p.r.Unit.Maps {
		if !strings.EqualFold(m.Name, name) {
			continue
		}
		keys, err := p.run.host.Keys(m)
		if err != nil {
			return "", err
		}
		var rows [][]string
		for _, k := range keys {
			vs, ok, err := p.run.host.Lookup(m, k)
			if err != nil {
				return "", err
			}
			if !ok || len(vs) == 0 || m.Type.Array && len(keys) > 16 && strings.Trim(string(total(m.Value, vs)), "\x00") == "" {
				continue
			}
			kn, kv := cells("key", fromBytes(m.Key, k))
			vn, vv := cells("value", fromBytes(m.Value, total(m.Value, vs)))
			if rows == nil {
				rows = append(rows, append(kn, vn...))
			}
			rows = append(rows, append(kv, vv...))
		}
		if rows == nil {
			return "empty\n", nil
		}
		return columns(rows), nil
	}
	return "", nil
}

// cells are a value's columns: a struct's fields, or the value.
func cells(head string, v sexp.Value) (names, values []string) {
	r, ok := v.(*Record)
	if !ok {
		return []string{head}, []string{sexp.Display(v)}
	}
	for _, t := range r.texts() {
		name, value, _ := strings.Cut(t, "=")
		names, values = append(names, name), append(values, value)
	}
	return names, values
}

// Names are what forms at the prompt may call and name.
func (p *Prompt) Names() (out []string) {
	for _, t := range Topics() {
		out = append(out, t.Name)
	}
	for name := range p.r.Unit.Accessors() {
		out = append(out, strings.ToLower(name))
	}
	return append(out, lisp.Names()...)
}
