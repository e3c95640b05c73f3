// Package repl is the prompt without its line editing: a form in, text out.
// Declarations make up a source that grows; each is compiled, checked and
// loaded at once, and what it replaces is replaced where it is attached. Any
// other form is Lisp of user space, which runs programs, attaches them, and
// looks at maps.
package repl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/whistler-lang/whistler"
	"github.com/whistler-lang/whistler/internal/btf"
	"github.com/whistler-lang/whistler/internal/compile"
	"github.com/whistler-lang/whistler/internal/lang"
	"github.com/whistler-lang/whistler/internal/sexp"
	"github.com/whistler-lang/whistler/internal/source"
	"github.com/whistler-lang/whistler/internal/user"
)

// A Machine is where programs are loaded: the kernel, or the virtual machine.
type Machine interface {
	// Name says what it is: "the kernel", "the virtual machine".
	Name() string
	// Load loads a compiled source in the place of the one before: its maps
	// keep their contents where their definition is the same, and attached
	// programs go on as the new ones, with no packet or event between them.
	// said is what is worth telling.
	Load(r *compile.Result) (h user.Host, said []string, err error)
	// Processed is how many instructions the verifier went through, 0 if it
	// did not look.
	Processed(program string) uint32
	Close()
}

// Options say what a prompt works with.
type Options struct {
	Compile whistler.Options
	User    user.Options
	World   user.World
	Machine Machine
	Style   source.Style
	// Explain makes a diagnostic of an error of the machine.
	Explain func(err error, obj *whistler.Object) error
	// Topics are what help knows, and Tracepoints the kernel's whose names begin
	// so, for completion; both may be nil.
	Topics      func() []lang.Topic
	Tracepoints func(prefix string) []string
	// Commands are operators of the prompt that need more than it knows, by
	// their names in upper case.
	Commands map[string]Command
}

// A Command gets the arguments of its form, unevaluated.
type Command struct {
	Params, Doc string
	Run         func(r *REPL, args []sexp.Value) (string, error)
}

// A definition is a declaration that was entered.
type definition struct {
	kind, name string // "DEFPROG", "count-packets"
	text       string
	file       string
}

// A REPL is a prompt.
type REPL struct {
	o       Options
	defs    []definition
	history [][]definition // before each declaration, for undo
	obj     *whistler.Object
	prompt  *user.Prompt
	host    user.Host
	entered int // forms

	known    []lang.Topic
	names    map[string]bool // what forms begin with
	kernel   *btf.Types
	noKernel bool
}

// ErrQuit ends the prompt.
var ErrQuit = errors.New("quit")

// New makes a prompt without declarations.
func New(o Options) (*REPL, error) {
	r := &REPL{o: o}
	_, err := r.rebuild(nil)
	return r, err
}

// declaring are the operators whose forms are declarations: of the kernel's
// side, and of what both sides share.
var declaring = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields("defmap defprog defstruct defunion defenum defheader defglobal defsubprog deftracepoint import-kernel-struct defksym defkfunc" +
		" defstruct-ops defmacro defun defconstant deftest defsetf define-setf-expander define-modify-macro deftype define-symbol-macro include") {
		out[strings.ToUpper(name)] = true
	}
	return out
})

// Incomplete reports whether a text ends inside of a form.
func Incomplete(text string) bool {
	_, errs := sexp.ReadAll(source.NewFile("", text), sexp.NewTable(nil), sexp.Features{})
	for _, e := range errs {
		if strings.Contains(e.What, "never closed") {
			return true
		}
	}
	return false
}

// Eval evaluates the forms of a text, and gives what to show. The error is
// ErrQuit, user.ErrInterrupted, *user.Exit, or one that is already rendered.
func (r *REPL) Eval(text string) (out string, err error) {
	r.entered++
	f := source.NewFile(fmt.Sprintf("<%d>", r.entered), text)
	forms, errs := r.prompt.Read(f)
	if len(errs) > 0 {
		return "", r.render(errs)
	}
	var b strings.Builder
	for i := range forms {
		// A declaration makes a new evaluator, whose symbols are others.
		now, _ := r.prompt.Read(f)
		said, err := r.form(f, now[i])
		b.WriteString(said)
		if err != nil {
			return b.String(), err
		}
	}
	return b.String(), nil
}

func (r *REPL) form(f *source.File, form sexp.Located) (string, error) {
	head, args := "", []sexp.Value(nil)
	if x, ok := form.V.(*sexp.Cons); ok {
		if s, ok := x.Car.(*sexp.Symbol); ok {
			head = s.Name
		}
		args, _ = sexp.Slice(x.Cdr)
	}
	if c, ok := r.command(head); ok {
		return c.Run(r, args)
	}
	if declaring()[head] {
		return r.declare(head, args, f, form)
	}
	v, failed, err := r.prompt.Eval(form)
	if err != nil {
		var exit *user.Exit
		if errors.Is(err, user.ErrInterrupted) || errors.As(err, &exit) {
			return "", err
		}
		return "", r.render(source.AsList(err))
	}
	if len(failed) > 0 {
		return "", r.render(failed)
	}
	if ref, ok := v.(interface{ MapName() string }); ok { // a map's name alone shows it
		return r.prompt.Entries(ref.MapName())
	}
	return sexp.Print(v) + "\n", nil
}

// An Error is what went wrong, as text to show.
type Error struct{ Text string }

func (e *Error) Error() string { return strings.TrimRight(e.Text, "\n") }

func (r *REPL) render(l source.List) error {
	var b strings.Builder
	for _, e := range l {
		b.WriteString(e.Render(r.o.Style))
	}
	return &Error{b.String()}
}

// declare adds a declaration, or puts it into the place of the one with its
// name.
func (r *REPL) declare(head string, args []sexp.Value, f *source.File, form sexp.Located) (string, error) {
	name := ""
	if len(args) > 0 {
		if s, ok := args[0].(*sexp.Symbol); ok {
			name = s.Display()
		} else {
			name = sexp.Print(args[0])
		}
	}
	d := definition{head, name, form.Pos.Text(), f.Name}
	defs := append([]definition(nil), r.defs...)
	again := -1
	for i, old := range defs {
		if old.name == name && old.kind == head {
			again = i
		}
	}
	var warnings source.List
	var err error
	if again >= 0 {
		defs[again] = d
		if warnings, err = r.rebuild(defs); err != nil {
			// It may need what was declared since.
			late := append(append(append([]definition(nil), defs[:again]...), defs[again+1:]...), d)
			if w, again := r.rebuild(late); again == nil {
				defs, warnings, err = late, w, nil
			}
		}
	} else {
		defs = append(defs, d)
		warnings, err = r.rebuild(defs)
	}
	if err != nil {
		return "", err
	}
	r.history = append(r.history, r.defs)
	r.defs = defs
	var b strings.Builder
	for _, w := range warnings {
		if w.Pos.Known() && w.Pos.File.Name == f.Name {
			b.WriteString(w.Render(r.o.Style))
		}
	}
	b.WriteString(r.about(head, name, again >= 0))
	return b.String(), nil
}

// about is what to say of a new declaration.
func (r *REPL) about(kind, name string, again bool) string {
	verb := ""
	if again {
		verb = ", replaced"
	}
	switch kind {
	case "DEFPROG":
		for _, p := range r.obj.Programs() {
			if strings.EqualFold(p.Lisp, name) {
				text := fmt.Sprintf("program %s: %s, %d slots, %d bytes of stack", p.Lisp, p.Section, p.Slots, p.Stack)
				if n := r.o.Machine.Processed(p.Name); n > 0 {
					text += fmt.Sprintf("; the verifier takes it, after %d instructions", n)
				}
				return text + verb + "\n"
			}
		}
	case "DEFMAP":
		for _, m := range r.obj.Maps() {
			if strings.EqualFold(m.Lisp, name) {
				return fmt.Sprintf("map %s: %s, key %d bytes, value %d bytes, %d entries%s\n", m.Lisp, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, verb)
			}
		}
	}
	return fmt.Sprintf("%s %s%s\n", strings.ToLower(kind), name, verb)
}

// rebuild compiles definitions and loads them. On an error all is as it was.
func (r *REPL) rebuild(defs []definition) (source.List, error) {
	obj, err := r.compile(defs, nil)
	if err != nil {
		return nil, err
	}
	host, _, err := r.o.Machine.Load(obj.Result())
	if err != nil {
		return nil, r.o.Explain(err, obj)
	}
	var vars []user.Variable
	if r.prompt != nil {
		vars = r.prompt.Variables()
	}
	r.obj, r.host, r.names = obj, host, nil
	r.prompt = user.NewPrompt(obj.Result(), r.o.User, r.o.World, host)
	r.prompt.Set(vars)
	return obj.Warnings(), nil
}

func (r *REPL) compile(defs []definition, trace func(program, stage string, what fmt.Stringer)) (*whistler.Object, error) {
	var sources []whistler.Source
	for _, d := range defs {
		sources = append(sources, whistler.Source{Name: d.file, Text: d.text})
	}
	if len(sources) == 0 {
		sources = []whistler.Source{{Name: "<0>"}}
	}
	o := r.o.Compile
	o.Fragment, o.Trace, o.KeepLisp = true, trace, true
	obj, err := whistler.Compile(context.Background(), sources, o)
	var l source.List
	if errors.As(err, &l) {
		return nil, r.render(l)
	}
	return obj, err
}

// Trace compiles the declarations once more and tells of every stage.
func (r *REPL) Trace(trace func(program, stage string, what fmt.Stringer)) error {
	_, err := r.compile(r.defs, trace)
	return err
}

// Object is what the declarations so far compile to.
func (r *REPL) Object() *whistler.Object { return r.obj }

// Source is the text of the declarations, for a file.
func (r *REPL) Source() string {
	var b strings.Builder
	for i, d := range r.defs {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(d.text + "\n")
	}
	return b.String()
}

// Close lets go of what is loaded.
func (r *REPL) Close() { r.o.Machine.Close() }
