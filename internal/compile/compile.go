// Package compile is the line from text to object: the only place that
// knows all the stages.
package compile

import (
	"fmt"

	"github.com/whistler-lang/whistler/internal/bpf"
	"github.com/whistler-lang/whistler/internal/emit"
	"github.com/whistler-lang/whistler/internal/ir"
	"github.com/whistler-lang/whistler/internal/ir/facts"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/obj"
	"github.com/whistler-lang/whistler/internal/opt"
	"github.com/whistler-lang/whistler/internal/regalloc"
	"github.com/whistler-lang/whistler/internal/source"
)

// Options are what a compilation may be told.
type Options struct {
	lang.Options
	Off   map[string]bool                                // passes to leave out, for tests; "facts" is the analysis
	Trace func(program, stage string, what fmt.Stringer) // sees every stage
}

// A Result is a compiled source.
type Result struct {
	Unit     *lang.Unit
	Programs []*bpf.Program
	Spec     *obj.Spec
	Object   []byte
	Warnings source.List
}

// Compile turns sources into an object. The same input gives the same bytes.
func Compile(files []*source.File, o Options) (*Result, source.List) {
	unit, errs := lang.Lower(files, o.Options)
	if errs.Errors() != nil {
		return nil, errs
	}
	r := &Result{Unit: unit, Warnings: unit.Warnings}
	for _, p := range unit.Programs {
		prog, bad := program(unit, p, o)
		if len(bad.Errors()) > 0 {
			errs = append(errs, bad...)
			continue
		}
		r.Warnings = append(r.Warnings, bad...)
		r.Programs = append(r.Programs, prog)
	}
	if len(errs.Errors()) > 0 {
		return nil, errs
	}
	r.Spec = spec(unit, r.Programs)
	r.Object = obj.Write(r.Spec)
	return r, nil
}

// program takes one function through analysis, optimiser, allocator and
// emitter. The list may hold warnings besides the program.
func program(u *lang.Unit, p *lang.Program, o Options) (*bpf.Program, source.List) {
	f := p.Func
	trace := func(stage string, what fmt.Stringer) {
		if o.Trace != nil {
			o.Trace(p.Name, stage, what)
		}
	}
	c := &opt.Config{CPU: p.CPU, Off: o.Off, Trace: func(pass string, f *ir.Func) { trace("after "+pass, f) }}
	trace("lowered", f)
	var said source.List
	var mistakes []facts.Finding
	if !o.Off["facts"] {
		for _, x := range facts.Check(f, environment(u, p)) {
			if x.Kind.Refused() {
				mistakes = append(mistakes, x)
			} else {
				said = append(said, message(p, &x))
			}
		}
	}
	if err := opt.Improve(f, c); err != nil {
		return nil, bug(p, "the optimiser", err)
	}
	if err := opt.Lower(f, c); err != nil {
		return nil, bug(p, "the optimiser", err)
	}
	if len(mistakes) > 0 {
		for _, x := range confirmed(mistakes, facts.Check(f, environment(u, p))) {
			said = append(said, message(p, &x))
		}
		if len(said.Errors()) > 0 {
			return nil, said
		}
	}
	alloc, err := regalloc.Run(f)
	if err != nil {
		return nil, bug(p, "register allocation", err)
	}
	trace("allocated", alloc)
	code, err := emit.Func(alloc, p.CPU)
	if err != nil {
		if l := source.AsList(err); l[0].Pos.Known() {
			return nil, l[:1]
		}
		return nil, bug(p, "emission", err)
	}
	if code.Stack > emit.MaxStack {
		return nil, source.List{stackError(p, code)}
	}
	return &bpf.Program{Name: p.C, Lisp: p.Name, Pos: p.Pos, Section: p.Section, Type: p.Type.Keyword,
		Insns: code.Insns, Lines: code.Lines, Refs: code.Refs, Stack: code.Stack}, said
}

// stackError says who uses the stack.
func stackError(p *lang.Program, code *emit.Code) *source.Error {
	e := source.Errorf(p.Pos, "the program `%s` needs %d bytes of stack", p.Name, code.Stack).
		WithExpected("at most %d", emit.MaxStack).WithHint("keep large structs in a per-CPU array of one entry").WithCode("stack-size")
	for _, u := range code.Uses {
		if u.Pos.Known() {
			e.WithNote(u.Pos, "%d bytes for %s", u.Bytes, u.Name)
		} else {
			e.WithNote(p.Pos, "%d bytes for %s", u.Bytes, u.Name)
		}
	}
	return e
}

func bug(p *lang.Program, stage string, err error) source.List {
	e := source.Errorf(p.Pos, "%s failed on `%s`: %v", stage, p.Name, err).WithHint("this is a bug of the compiler; please report it with the source").WithCode("bug")
	e.Severity = source.SevBug
	return source.List{e}
}

// spec gathers what the object holds.
func spec(u *lang.Unit, programs []*bpf.Program) *obj.Spec {
	s := &obj.Spec{Programs: programs, Structs: u.Structs, License: u.License}
	for _, m := range u.Maps {
		s.Maps = append(s.Maps, &obj.Map{Name: m.C, Type: m.Type, Key: m.Key, Value: m.Value, KeySize: m.KeySize,
			ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Flags: m.Flags, Extra: m.Extra, PinByName: m.PinByName,
			Events: m.Events, Values: m.Values})
	}
	return s
}
