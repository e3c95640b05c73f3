// Package user runs the Lisp of user space that a source has: its tests, deftest,
// makes packets and contexts, runs programs on them and looks at what came of
// it. The programs run on a Host; everything else is the same on all of them.
package user

import (
	"errors"
	"fmt"
	"strings"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/sim"
	"github.com/whistler-lang/whistler/internal/source"
)

// Options say what tests may ask of the world.
type Options struct {
	ReadFile func(name string) ([]byte, error)     // for captures; nil: there are none
	NewHost  func(r *compile.Result) (Host, error) // makes the host of a test; nil: the virtual machine
	Kernel   lang.Kernel                           // formats of tracepoints; may be nil
	Arch     string                                // whose registers a kprobe sees
	Steps    int64                                 // of one test's Lisp; 0 means 100 million
}

// A Suite is the tests of one compiled source.
type Suite struct {
	Tests []*lang.Test

	r     *compile.Result
	o     Options
	cover *Coverage
	run   *run // the test that runs
}

// A run is a test under way.
type run struct {
	host     Host
	checks   int
	failures source.List
	printed  strings.Builder
	last     *Outcome
	program  *lang.Program // that last is of
}

// A Result is what came of a test. It was skipped where Skipped says why;
// else it passed where there are no Failures.
type Result struct {
	Test     *lang.Test
	Checks   int
	Failures source.List
	Skipped  string
	Printed  string // what the test wrote
}

// New prepares the tests of a compiled source.
func New(r *compile.Result, o Options) *Suite {
	s := &Suite{Tests: r.Unit.Tests, r: r, o: o}
	if s.o.Steps == 0 {
		s.o.Steps = 100_000_000
	}
	in := r.Unit.Lisp
	in.Extend(s.functions(), s.specials())
	table := in.Table()
	for _, m := range r.Unit.Maps {
		in.SetGlobal(table.Intern(strings.ToUpper(m.Name)), &mapRef{m}, false)
	}
	for _, p := range r.Unit.Programs {
		in.SetGlobal(table.Intern(strings.ToUpper(p.Name)), &progRef{p}, false)
	}
	for _, g := range r.Unit.Globals {
		if sym := table.Intern(strings.ToUpper(g.Name)); !in.IsConstant(sym) && !g.Static {
			in.SetSymbolMacro(sym, sexp.List(table.Intern("%GLOBAL"), &globalRef{g}))
		}
	}
	return s
}

// mapRef, progRef and globalRef are what the names of maps, programs and
// variables stand for in a test.
type mapRef struct{ m *lang.Map }
type progRef struct{ p *lang.Program }
type globalRef struct{ g *lang.Global }

// MapName is the name of the map.
func (r *mapRef) MapName() string { return r.m.Name }

// PrintLisp prints #<map name>.
func (r *mapRef) PrintLisp() string { return "#<map " + r.m.Name + ">" }

// PrintLisp prints #<program name>.
func (r *progRef) PrintLisp() string { return "#<program " + r.p.Name + ">" }

// PrintLisp prints #<variable name>.
func (r *globalRef) PrintLisp() string { return "#<variable " + r.g.Name + ">" }

// Run runs a test on a host of its own.
func (s *Suite) Run(t *lang.Test) (res Result) {
	res.Test = t
	r := &run{}
	s.run = r
	defer func() {
		res.Checks, res.Failures, res.Printed = r.checks, r.failures, r.printed.String()
		if r.host != nil {
			r.host.Close()
		}
		s.run = nil
	}()
	host, err := s.newHost()
	if err != nil {
		return s.failed(res, t.Pos, err)
	}
	r.host = host
	in := s.r.Unit.Lisp
	in.Refill(s.o.Steps, s.o.Steps, nil, func(text string) { r.printed.WriteString(text) })
	for _, form := range t.Body {
		if _, err := in.Eval(form, nil); err != nil {
			pos := sexp.PosOf(form).Or(t.Pos)
			return s.failed(res, pos, err)
		}
	}
	if r.checks == 0 {
		r.failures = append(r.failures, source.Errorf(t.Pos, "the test `%s` checks nothing", t.Name).WithExpected("at least one (is form)"))
	}
	return res
}

func (s *Suite) newHost() (Host, error) {
	if s.o.NewHost != nil {
		return s.o.NewHost(s.r)
	}
	h, err := NewVM(s.r)
	if err != nil {
		return nil, err
	}
	h.Kernel, h.Arch = s.o.Kernel, s.o.Arch
	if s.cover != nil {
		h.lowered, h.cover = s.cover.funcs, s.cover
	}
	return h, nil
}

// failed ends a test by an error: that it cannot run here, or that something
// went wrong.
func (s *Suite) failed(res Result, pos source.Pos, err error) Result {
	var no *Unsupported
	if errors.As(err, &no) {
		res.Skipped = no.What
		return res
	}
	for _, e := range source.AsList(err) {
		if reason, ok := e.Culprit.(*skip); ok {
			res.Skipped = reason.why
			return res
		}
		if !e.Pos.Known() {
			e.Pos = pos
		}
		e.Code = "" // it is said of compile-time code, which this is not
		s.run.failures = append(s.run.failures, e)
	}
	return res
}

// skip is what ends a test that this host cannot run.
type skip struct{ why string }

// must ends the test where err says that something is impossible, or wrong.
func (s *Suite) must(in *lisp.Interp, err error) {
	if err == nil {
		return
	}
	var no *Unsupported
	if errors.As(err, &no) {
		panic(skipError(in.Pos(), no.What))
	}
	var fault *Fault
	if errors.As(err, &fault) {
		e := source.Errorf(fault.Pos.Or(in.Pos()), "the program went wrong here: %v", fault.Err)
		e.WithNote(in.Pos(), "in this run of the test")
		var not *sim.NotSimulated
		if errors.As(err, &not) {
			e.WithHint("(with-helpers ((name (argument...) value)) ...) gives the test one")
		}
		in.Fail(e)
	}
	in.Fail(source.Errorf(in.Pos(), "%v", err))
}

// skipError is an error that no handler of the test gets.
func skipError(pos source.Pos, why string) *source.Error {
	e := source.Errorf(pos, "%s", why)
	e.Culprit = &skip{why}
	return e
}

// vm is the virtual machine, where only it can do what is asked for.
func (s *Suite) vm(in *lisp.Interp, what string) *VM {
	h, ok := s.run.host.(*VM)
	if !ok {
		panic(skipError(in.Pos(), fmt.Sprintf("%s is for the virtual machine", what)))
	}
	return h
}
