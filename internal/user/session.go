package user

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"text/tabwriter"

	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/lisp"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
)

// A World is the machine as sessions see it, besides the kernel's part in it.
type World struct {
	Args   []string // of the command line, behind the file
	Getenv func(name string) (string, bool)
	Now    func() float64             // seconds since 1970
	Sleep  func(seconds float64) bool // false: interrupted
	Stop   func() bool                // reports whether the session is to end
	Out    func(text string)
	Pid    int
}

// Place is where to attach a program, besides its own section.
type Place struct {
	Target  string // "" is what the section says
	Iface   string
	Cgroup  string
	XDPMode string
	Event   string
	Freq    int
	Pid     int
}

// A Link is a program that is attached.
type Link interface {
	What() string
	Close() error
}

// A Live host is the kernel, to which programs are attached.
type Live interface {
	Host
	Attach(p *lang.Program, at Place) (Link, error)
	// Wait waits for records of a buffer, so many seconds at most, and takes
	// them.
	Wait(m *lang.Map, seconds float64) ([][]byte, error)
	Lost(m *lang.Map) (uint64, error) // records that a perf buffer had no room for
}

// ErrInterrupted ends a session that was told to.
var ErrInterrupted = errors.New("interrupted")

// An Exit is the error of a session that called exit.
type Exit struct{ Code int }

func (e *Exit) Error() string { return fmt.Sprintf("exit %d", e.Code) }

// A Session is what the with-bpf-session forms of a source do.
type Session struct {
	*Suite
	world World
	open  func(r *compile.Result) (Live, error)
	leave func() // ends the evaluation
	why   error  // it was left
}

// NewSession prepares the sessions of a compiled source. open loads it, once
// for each with-bpf-session that is come to.
func NewSession(r *compile.Result, o Options, w World, open func(r *compile.Result) (Live, error)) *Session {
	s := &Session{world: w, open: open}
	o.NewHost = nil
	s.Suite = New(r, o)
	var functions []lisp.Builtin
	for _, f := range sessionFunctions(s) {
		lo, hi := arity(f.params)
		functions = append(functions, lisp.Builtin{Name: strings.ToUpper(f.name), Min: lo, Max: hi, Params: f.params, Doc: f.doc, Fn: func(in *lisp.Interp, args []sexp.Value) sexp.Value {
			return f.run(s.Suite.call(in, f.name, args))
		}})
	}
	var specials []lisp.Special
	for _, f := range sessionSpecials(s) {
		specials = append(specials, lisp.Special{Name: strings.ToUpper(f.name), Params: f.params, Doc: f.doc, Fn: func(in *lisp.Interp, form *sexp.Cons, env *lisp.Env) sexp.Value {
			args, _ := sexp.Slice(form.Cdr)
			return f.run(&call{s.Suite, in, f.name, args}, form, env)
		}})
	}
	r.Unit.Lisp.Extend(functions, specials)
	return s
}

// Run evaluates the forms of the source that have sessions. It gives an
// *Exit, ErrInterrupted, or what is wrong.
func (s *Session) Run() (err error) {
	in := s.r.Unit.Lisp
	const steps = 1_000_000
	in.Refill(steps, math.MaxInt64/4, func() bool {
		if s.world.Stop() {
			s.stop(ErrInterrupted)
		}
		return true
	}, s.world.Out)
	for _, form := range s.r.Unit.Sessions {
		if in.Escape(func(leave func()) {
			s.leave = leave
			_, err = in.EvalTop(form.V, form.Pos)
		}) {
			return s.why
		}
		if err != nil {
			for _, e := range source.AsList(err) {
				e.Code = ""
			}
			return err
		}
	}
	return nil
}

// stop ends the evaluation; cleanup forms run.
func (s *Session) stop(why error) {
	s.why = why
	s.leave()
}

// wait sleeps.
func (s *Session) wait(seconds float64) {
	if !s.world.Sleep(seconds) {
		s.stop(ErrInterrupted)
	}
}

func (s *Session) live(c *call) Live {
	h, ok := s.run.host.(Live)
	if !ok {
		c.fail("only the kernel can do this, and here is the virtual machine: start as root")
	}
	return h
}

// with is with-bpf-session: it loads the object, evaluates what is no
// declaration, and lets go of everything however that ends.
func (s *Session) with(c *call, form *sexp.Cons, env *lisp.Env) (v sexp.Value) {
	if s.run != nil {
		c.fail("a session is open already")
	}
	host, err := s.open(s.r)
	if err != nil {
		s.stop(err)
	}
	s.run = &run{host: host}
	defer func() {
		host.Close()
		s.run = nil
	}()
	v = sexp.Nil
	for i, x := range c.args {
		if i == 0 || declares(x) {
			continue
		}
		v = c.eval(x, env)
	}
	return v
}

// declares reports whether a form of a session was taken when compiling.
func declares(x sexp.Value) bool {
	cons, ok := x.(*sexp.Cons)
	if !ok {
		return false
	}
	head, ok := cons.Car.(*sexp.Symbol)
	if !ok {
		return false
	}
	switch head.Name {
	case "BPF:MAP", "BPF:PROG", "DEFMAP", "DEFPROG", "DEFSTRUCT", "DEFSUBPROG", "DEFGLOBAL":
		return true
	}
	return false
}

// seconds is a number of seconds.
func (c *call) seconds(v sexp.Value, what string) float64 {
	var f float64
	switch v := v.(type) {
	case int64:
		f = float64(v)
	case *big.Rat:
		f, _ = v.Float64()
	case float64:
		f = v
	default:
		c.fail("%s is %s, and should be a number of seconds", what, sexp.Print(v))
	}
	if f < 0 || math.IsNaN(f) || f > 1e9 {
		c.fail("%s is %s, and should be a number of seconds", what, sexp.Print(v))
	}
	return f
}

// table lays rows out in columns.
func columns(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	w.Flush()
	return b.String()
}
