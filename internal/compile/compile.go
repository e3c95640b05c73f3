// Package compile is the line from text to object: the only place that
// knows all the stages.
package compile

import (
	"fmt"
	"slices"

	"github.com/whistler-lang/whistler/internal/abi"
	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/obj"
	"github.com/whistler-lang/whistler/internal/source"
)

// Options are what a compilation may be told.
type Options struct {
	lang.Options
	// CountLosses adds a counter of what maps could not take: see LossesMap.
	CountLosses bool
	Short       bool                                           // order short blocks too, for tests
	Count       bool                                           // take every function for one with too many paths, for tests
	Off         map[string]bool                                // passes to leave out, for tests; "facts" is the analysis, "shortcuts" is what it takes back early
	Trace       func(program, stage string, what fmt.Stringer) // sees every stage
	KeepLisp    bool                                           // the Unit's Lisp, tests and sessions are wanted
}

// A Result is a compiled source.
type Result struct {
	Unit     *lang.Unit
	Programs []*bpf.Program
	Subs     []*obj.Sub // subprograms that are called
	Spec     *obj.Spec
	Object   []byte
	Warnings source.List
}

// Compile turns sources into an object. The same input gives the same bytes.
func Compile(files []*source.File, o Options) (*Result, source.List) {
	tooMany := map[string]bool{}
	r, errs := compile(files, o, nil, tooMany)
	if len(tooMany) > 0 && !slices.ContainsFunc(errs.Errors(), func(e *source.Error) bool { return e.Code != "too-complex" }) {
		// There are others with fewer paths, if longer ones.
		if again, said := compile(files, o, tooMany, map[string]bool{}); again != nil {
			return again, said
		}
	}
	return r, errs
}

// compile does so; those of the functions named in count are to have fewer
// paths. It adds to tooMany which have too many.
func compile(files []*source.File, o Options, count, tooMany map[string]bool) (*Result, source.List) {
	unit, errs := lang.Lower(files, o.Options)
	if errs.Errors() != nil {
		return nil, errs
	}
	r := &Result{Unit: unit, Warnings: unit.Warnings}
	funcs := gather(unit)
	if o.CountLosses {
		countLosses(unit, funcs)
	}
	for _, f := range funcs {
		f.count = o.Count || count[f.c]
	}
	in := inliner(funcs, o)
	for _, f := range funcs {
		said := f.improve(unit, in, o)
		if len(said.Errors()) > 0 {
			return nil, append(errs, said...)
		}
		r.Warnings = append(r.Warnings, said...)
	}
	emitted := reached(funcs)
	for _, f := range emitted {
		if err := f.lower(o); err != nil {
			return nil, append(errs, err)
		}
	}
	for _, f := range emitted {
		if err := f.checkBranches(); err != nil {
			errs = append(errs, err)
			continue
		}
		prog, err := f.emit(o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if f.sub != nil {
			r.Subs = append(r.Subs, subprogram(f.sub, prog))
		} else {
			r.Programs = append(r.Programs, prog)
		}
	}
	if errs = append(errs, judge(files, unit, emitted, o, tooMany)...); len(errs.Errors()) > 0 {
		return nil, append(errs, r.Warnings...).Sorted()
	}
	r.Warnings = r.Warnings.Sorted()
	if errs = append(errs, checkStack(r)...); len(errs.Errors()) > 0 {
		return nil, errs
	}
	r.Spec = spec(unit, r)
	if o.Target != (abi.Version{}) {
		if errs = append(errs, r.checkTarget(o.Target)...); len(errs.Errors()) > 0 {
			return nil, append(errs, r.Warnings...).Sorted()
		}
	}
	r.Object = obj.Write(r.Spec)
	if o.Trace == nil { // who may look at what it was shown later
		for _, f := range funcs {
			f.f.Free()
		}
		if !o.KeepLisp {
			unit.Free()
		}
	}
	return r, nil
}

// spec gathers what the object holds.
func spec(u *lang.Unit, r *Result) *obj.Spec {
	s := &obj.Spec{Programs: r.Programs, Subs: r.Subs, Structs: u.Structs, Enums: u.Enums, License: u.License, Kernel: u.Kernel, Cores: u.Cores}
	for name, k := range u.Kfuncs {
		if s.Kfuncs == nil {
			s.Kfuncs = map[string]btf.ID{}
		}
		s.Kfuncs[name] = k.ID
	}
	for name, k := range u.Ksyms {
		if s.Ksyms == nil {
			s.Ksyms = map[string]*obj.Ksym{}
		}
		s.Ksyms[name] = &obj.Ksym{Var: k.ID, Weak: k.Weak}
	}
	for _, g := range u.Globals {
		s.Globals = append(s.Globals, &obj.Global{Name: g.C, Section: g.Section(), Type: g.Type, Init: g.Init, Hidden: g.Hidden, Static: g.Static})
	}
	for _, o := range u.Ops {
		x := &obj.Ops{Name: o.C, Struct: o.Struct, Link: o.Link}
		for _, m := range o.Members {
			x.Members = append(x.Members, obj.OpsMember{Index: m.Index, Program: m.Program, Bytes: m.Bytes})
		}
		s.Ops = append(s.Ops, x)
	}
	for _, m := range u.Maps {
		s.Maps = append(s.Maps, mapSpec(m))
	}
	for i, p := range u.Programs {
		if p.Replaces != nil {
			if s.Replacements == nil {
				s.Replacements = map[*bpf.Program]*obj.Sub{}
			}
			s.Replacements[r.Programs[i]] = subprogram(p.Replaces, r.Programs[i])
		}
	}
	return s
}

func mapSpec(m *lang.Map) *obj.Map {
	o := &obj.Map{Name: m.C, Type: m.Type, Key: m.Key, Value: m.Value, KeySize: m.KeySize,
		ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Flags: m.Flags, Extra: m.Extra, PinByName: m.PinByName,
		Events: m.Events, Values: m.Values, Show: m.Show}
	if m.Inner != nil {
		o.Inner = mapSpec(m.Inner)
	}
	return o
}
